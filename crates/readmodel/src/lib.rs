//! Status views in SQLite: one projector writes, query reads
