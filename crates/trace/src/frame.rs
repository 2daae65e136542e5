//! One stack frame as the kernel printed it: `? func+0x1a/0x40 [module build-id]`.

/// A stack frame, as the kernel printed it (`%pB`, `%pS`: kernel/kallsyms.c, `__sprint_symbol`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The physical function, with the compiler's suffixes: `foo.isra.0`, `bar.cold`.
    /// Empty where the kernel printed a bare address only.
    pub function: &'a str,
    /// Bytes from the function's start.
    pub offset: u64,
    /// Bytes from the function's start to the next symbol, which is what kallsyms calls its size.
    pub size: u64,
    /// The module's name, as printed.
    pub module: Option<&'a str>,
    /// The module's (or the kernel's) build-id in hex, where the kernel printed it (`CONFIG_STACKTRACE_BUILD_ID`).
    pub build_id: Option<&'a str>,
    /// The run-time address, where one was printed (`[<ffffffff810a1b2c>]`).
    pub address: Option<u64>,
    /// False where the unwinder doubts the frame (a leading `? `, or powerpc's ` (unreliable)`).
    pub reliable: bool,
    /// True where the address is the instruction itself (RIP, or the function that an exception
    /// interrupted), false where it is a return address, which is one past the call.
    pub exact: bool,
}
