"""The demo dataset: talking heads of people who do not exist, made on the user's machine from small stills."""
