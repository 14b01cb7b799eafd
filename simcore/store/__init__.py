"""Results of runs that outlive a machine: rows and documents in one SQLite file, or any database.

A run is kept under a key, a hash of the content of all that decides it (program, files, options,
part and mcusim itself, never a path), so that a store may be moved, copied, and shared by machines.
Unlike the cache nothing is ever thrown away, and a row says in columns what a run cost and where
that comes from. Only clients write; what is asked of processes and clusters goes through them.

SQLAlchemy is imported by `database`, pyarrow by `frame`: both come with the extra mcusim[store].
"""
