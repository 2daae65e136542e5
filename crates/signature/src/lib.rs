//! Titles, crash types, signatures and buckets of kernel reports.
