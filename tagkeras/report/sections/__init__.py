"""The sections of the page: in each module what a section shows, its figures included.

`build` returns what the template of the section, `templates/sections/ID.html`, takes, or raises
`Omitted` with the reason why there is nothing to show.
"""
