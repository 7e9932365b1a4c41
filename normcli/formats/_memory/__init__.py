"""Tables in memory as inputs and outputs: of Arrow, polars, pandas, numpy, and whatever exports Arrow streams."""
