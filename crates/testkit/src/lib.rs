//! Test support of the ksplat workspace: golden runner, synthetic vmlinux, log mutators.
