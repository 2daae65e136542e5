//! Names of functions: what compilers and syscall wrappers put around them.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

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

/// A C++ or Rust name in plain words, without parameters; others as they are, and so are names that become absurdly long.
pub fn demangled(name: &str) -> Cow<'_, str> {
    if !name.starts_with('_') || name.len() > LONGEST {
        return Cow::Borrowed(name);
    }
    let mut plain = Plain(String::new());
    if (name.starts_with("_ZN") || name.starts_with("_R"))
        && let Ok(rust) = rustc_demangle::try_demangle(name)
    {
        return write!(plain, "{rust:#}").map_or(Cow::Borrowed(name), |()| Cow::Owned(plain.0));
    }
    if name.starts_with("_Z") {
        let options = cpp_demangle::DemangleOptions::new().no_params().no_return_type();
        let symbol = cpp_demangle::Symbol::new(name).ok();
        if symbol.is_some_and(|symbol| symbol.structured_demangle(&mut plain, &options).is_ok()) {
            return Cow::Owned(plain.0);
        }
    }
    Cow::Borrowed(name)
}

/// Bytes of the longest name: kallsyms has 512 (`KSYM_NAME_LEN`).
const LONGEST: usize = 1024;

/// A name in plain words. A mangled one of 50 bytes may stand for a megabyte, since parts of it may repeat others.
struct Plain(String);

impl fmt::Write for Plain {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        if self.0.len() + part.len() > LONGEST {
            return Err(fmt::Error);
        }
        self.0.push_str(part);
        Ok(())
    }
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
    fn names_that_stand_for_a_megabyte_are_left_alone() {
        let rust = "_RYFG_FGyyEvRYFF_EvRYFFEvERLB_B_B_ERLRjB_B_B_";
        assert_eq!(demangled(rust), rust);
        // `f<A<int>, A<A<int>, A<int>>, …>`: each pair doubles the one before.
        let pairs =
            |count: u8| (0..count).map(|n| format!("S0_IS{0}_S{0}_E", char::from(b'1' + n))).collect::<String>();
        let cpp = |count| format!("_Z1fI1AIiE{}Evv", pairs(count));
        assert_eq!(demangled(&cpp(1)), "f<A<int>, A<A<int>, A<int> > >");
        assert_eq!(demangled(&cpp(9)), cpp(9));
    }

    #[test]
    fn mangled_names_are_readable() {
        assert_eq!(demangled("_RNvCs1234_7mycrate3foo"), "mycrate::foo");
        assert_eq!(demangled("_ZN3foo3barEi"), "foo::bar");
        assert_eq!(demangled("_Zero"), "_Zero");
        assert_eq!(demangled("__schedule"), "__schedule");
    }
}
