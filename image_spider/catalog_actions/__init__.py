"""The actions of `scrapy catalog`, a file each."""
