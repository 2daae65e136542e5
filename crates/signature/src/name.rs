//! Names of functions: what compilers and syscall wrappers put around them.

use std::borrow::Cow;

/// What the kernel's macros put in front of a syscall's name (include/linux/syscalls.h, arch/x86/include/asm/syscall_wrapper.h).
pub const PREFIXES: [&str; 14] = [
    "SYSC_",
    "SyS_",
    "sys_",
    "__x64_",
    "__ia32_",
    "__arm64_",
    "____sys_",
    "___sys_",
    "__sys_",
    "__se_",
    "__se_sys_",
    "__do_sys_",
    "compat_SYSC_",
    "compat_SyS_",
];
/// Since the syscall helpers of 4.17: `ksys_write`.
const LAST_PREFIX: &str = "ksys_";

/// All prefixes of syscalls, in the order in which alternative titles name them.
pub fn prefixes() -> impl Iterator<Item = &'static str> {
    PREFIXES.into_iter().chain([LAST_PREFIX])
}

/// A name without one syscall prefix: of those that fit, the one that leaves least.
pub fn without_prefix(name: &str) -> &str {
    if !name.starts_with(['S', 's', '_', 'c', 'k']) {
        return name;
    }
    prefixes().filter_map(|prefix| name.strip_prefix(prefix)).min_by_key(|rest| rest.len()).unwrap_or(name)
}

/// A C++ or Rust name in plain words, without parameters; others as they are.
pub fn demangled(name: &str) -> Cow<'_, str> {
    if !name.starts_with('_') {
        return Cow::Borrowed(name);
    }
    if (name.starts_with("_ZN") || name.starts_with("_R"))
        && let Ok(rust) = rustc_demangle::try_demangle(name)
    {
        return Cow::Owned(format!("{rust:#}"));
    }
    if name.starts_with("_Z") {
        let options = cpp_demangle::DemangleOptions::new().no_params().no_return_type();
        let symbol = cpp_demangle::Symbol::new(name).ok();
        if let Some(cpp) = symbol.and_then(|symbol| symbol.demangle_with_options(&options).ok()) {
            return Cow::Owned(cpp);
        }
    }
    Cow::Borrowed(name)
}

/// A physical function's name without what the compiler adds: `foo.isra.0.cold` is `foo`.
pub fn without_suffixes(name: &str) -> &str {
    memchr::memchr(b'.', name.as_bytes()).map_or(name, |at| &name[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_prefix_is_stripped() {
        for (name, want) in [
            ("__x64_sys_foo", "sys_foo"),
            ("__se_sys_foo", "foo"),
            ("__do_sys_foo", "foo"),
            ("ksys_foo", "foo"),
            ("SyS_foo", "foo"),
            ("foo", "foo"),
        ] {
            assert_eq!(without_prefix(name), want);
        }
    }

    #[test]
    fn prefixes_start_as_the_short_cut_says() {
        for prefix in prefixes() {
            assert_eq!(without_prefix(&format!("{prefix}x")).len(), 1, "{prefix}");
        }
    }

    #[test]
    fn mangled_names_are_readable() {
        assert_eq!(demangled("_RNvCs1234_7mycrate3foo"), "mycrate::foo");
        assert_eq!(demangled("_ZN3foo3barEi"), "foo::bar");
        assert_eq!(demangled("_Zero"), "_Zero");
        assert_eq!(demangled("__schedule"), "__schedule");
    }
}
