"""User studies: pages that ask people, and what their answers say."""
