"""`make deploy`: one egg to all Scrapyd nodes, verified on each, or everything as it was before."""
