"""Names as parts of ids."""


def slug(name: str) -> str:
    """A name as a part of an id: letters, digits and hyphens."""
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in name)
