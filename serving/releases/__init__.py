"""New versions of a served model: tried, compared, promoted and taken back."""
