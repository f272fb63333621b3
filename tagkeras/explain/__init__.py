"""Why these hashtags: one photo's hashtags for other users, and what raises a hashtag for one."""
