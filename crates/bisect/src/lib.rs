//! Bisection logs: read, shown and judged.
