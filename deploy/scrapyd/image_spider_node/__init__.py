"""What a node adds to Scrapyd; scrapyd.conf names the classes. It never imports the project, which comes in eggs."""

__version__ = "0.1.0"
