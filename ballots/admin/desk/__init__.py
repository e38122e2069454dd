"""The pages of the admin that are about no one poll: the first page, and the handbook."""
