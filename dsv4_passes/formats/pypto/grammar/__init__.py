"""The grammar of pypto program text that reader and writer share."""
