"""The browser doors to work: expert, workbench, review and the lab's console."""
