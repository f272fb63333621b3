"""Reading posts: from files of several formats to blocks of checked posts."""
