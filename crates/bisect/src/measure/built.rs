//! Which files are in the kernels that were tested.

use crate::{log::Log, overlap::frames};

/// Paths that are in no kernel.
const UNBUILT: &[&str] =
    &["Documentation", "tools", "samples", "scripts", "MAINTAINERS", "CREDITS", "usr", "LICENSES", "."];
/// Tests whose compilers are looked at.
const COMPILERS: usize = 20;
/// Architectures, as the kernel and the prefixes of compilers call them. A log that names none is of an x86 kernel.
const ARCHITECTURES: &[(&str, &[&str])] = &[
    ("arm64", &["aarch64"]),
    ("arm", &["arm-linux"]),
    ("riscv", &["riscv64", "riscv32"]),
    ("powerpc", &["powerpc"]),
    ("s390", &["s390x"]),
    ("mips", &["mips"]),
    ("loongarch", &["loongarch64"]),
];

/// The architecture of the kernels that were tested: that of the compiler, or the one whose files are in the report.
pub(super) fn architecture(log: &Log<'_>) -> &'static str {
    let is_target = |name: &str, compiler: &str| compiler.split([' ', '(', '/']).any(|word| word.starts_with(name));
    let compilers = || log.revisions.iter().filter_map(|test| test.compiler.as_deref()).take(COMPILERS);
    let compiled = |names: &[&str]| compilers().any(|compiler| names.iter().any(|name| is_target(name, compiler)));
    let report = log.report();
    let crashed = frames(&report).into_iter().find_map(|frame| frame.path.strip_prefix("arch/")?.split('/').next());
    let found = ARCHITECTURES.iter().find(|(arch, names)| compiled(names) || crashed == Some(arch));
    found.map_or("x86", |(arch, _)| arch)
}

/// An architecture with its article.
pub(super) fn article(arch: &str) -> String {
    let article = if arch.starts_with(['a', 's', 'x']) { "an" } else { "a" };
    format!("{article} {arch}")
}

/// Whether a kernel of this architecture has the file.
pub(super) fn is_built(file: &str, arch: &str) -> bool {
    let other_arch = file.strip_prefix("arch/").is_some_and(|path| path.split('/').next() != Some(arch));
    let text = [".rst", ".txt", ".yaml", ".dts", ".dtsi"].iter().any(|end| file.ends_with(end));
    let unbuilt = UNBUILT.iter().any(|path| match *path {
        "." => file.starts_with('.') && !file.starts_with("..."),
        path => file.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
    });
    !(other_arch || text || unbuilt || file.contains("/selftests/"))
}
