"""The page that shows a served model: one photo, two people, their hashtags."""
