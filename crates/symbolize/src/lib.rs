//! Source lines and inlined calls of kernel stack frames, from DWARF.
