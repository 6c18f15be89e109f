"""User studies: blinded pages for raters, and scores of their answers."""
