"""The report as one HTML file that stands alone: figures and turns as plain values, drawn, and written into a template."""
