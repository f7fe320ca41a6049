"""SQL over journals, by DuckDB: where they are, the tables that are made of them, and how an answer is printed."""
