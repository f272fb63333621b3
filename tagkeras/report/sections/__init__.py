"""The sections of the page: each makes what its template shows."""
