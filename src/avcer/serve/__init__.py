"""Many users: jobs over HTTP, and a page that shows them."""
