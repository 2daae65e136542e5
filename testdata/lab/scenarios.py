"""The scenarios: one row is one boot, one crash, one log. Rows name what the console must show, and the module's frames.

A frame is written as its tags in the sources, innermost call first: "il_store il_update chain_3" is a frame of chain_3
into which il_update was inlined, and il_store into that. The part of a tag before a dot is the function's name; "a|b" is
one of two lines, where it depends on the moment.
"""

from dataclasses import dataclass

# What every command written to /proc/crashme has below it.
ENTRY = ("crashme_run", "crashme_write")


@dataclass(frozen=True)
class Scenario:
    """One boot: what the init script does, and what must come of it."""

    name: str  # of the log
    headline: str  # a regular expression that the console must show after the crash began
    frames: tuple[str, ...] = ()  # after the headline, innermost first; empty where the module has none
    crash: str = ""  # the word for the init script, the name where empty
    how: str = "write"
    patience: str = ""
    seconds: int = 2  # that the init script waits afterwards
    kernel: str = ""  # more words for the kernel's command line

    def command(self) -> str:
        """What provokes the crash, for people."""
        word = self.crash or self.name
        return {
            "write": f"echo {word} >/proc/crashme",
            "both": f"echo {word} >/proc/crashme on both CPUs at once",
            "insmod": f"insmod crashme.ko at_init={word}",
            "rmmod": f"insmod crashme.ko at_exit={word}; rmmod crashme",
            "sysrq": f"echo {word} >/proc/sysrq-trigger",
            "oom": "tail /dev/zero",
        }[self.how]


def row(name: str, headline: str, *frames: str, **more) -> Scenario:
    return Scenario(name, headline, frames, **more)


def plain(name: str, headline: str, **more) -> Scenario:
    """A command whose own function is the innermost frame of the module."""
    return Scenario(name, headline, (f"cr_{name}", *ENTRY), **more)


NULL = r"BUG: kernel NULL pointer dereference"
FAULT = r"BUG: unable to handle page fault for address"
IL_WALK = "il_store il_update il_walk"
LIB = ("lib_dispatch", "crashlib_apply")
# gcc inlines the second half of cross_callback into its first half (-fpartial-inlining).
AGAIN = ("cross_callback.again cross_callback.enter", *LIB)
SPIN = "spin_for|spin_for.test"

SCENARIOS = (
    # Faults in the module
    plain("null_read", NULL),
    plain("null_jump", NULL),
    row("nx_exec", r"kernel tried to execute NX-protected page"),  # from there the unwinder only guesses
    plain("user_read", FAULT),
    plain("paging", FAULT),
    plain("ro_write", FAULT),
    plain("gpf", r"general protection fault, probably for non-canonical address"),
    plain("divide", r"divide error"),
    plain("bug", r"kernel BUG at testdata/lab/fault.c"),
    plain("warn", r"WARNING: CPU: .* at testdata/lab/fault.c"),
    # Faults and warnings in the core kernel
    plain("core_warn", r"WARNING: CPU: .* at kernel/workqueue.c"),
    plain("core_gpf", r"general protection fault"),
    row("core_fault", FAULT, "cr_core_null", *ENTRY, crash="core_null"),
    plain("list_add", r"list_add corruption"),
    plain("list_del", r"list_del corruption"),
    plain("refcount", r"refcount_t: addition on 0; use-after-free"),
    plain("fortify", r"detected buffer overflow in"),
    plain("usercopy", r"usercopy: Kernel memory exposure attempt detected"),
    row("stack_smash", r"stack-protector: Kernel stack is corrupted", "cr_stack_smash"),
    row("stack_overflow", r"BUG: .*stack guard page was hit", "recurse|recurse.enter", "recurse", "recurse"),
    plain("sched_atomic", r"BUG: scheduling while atomic"),
    plain("alloc_fail", r"page allocation failure"),
    plain("vmalloc_fail", r"vmalloc error: size"),
    plain("panic", r"Kernel panic - not syncing: crashme: direct panic"),
    plain("dump_stack", r"Call Trace:"),
    # Tasks and CPUs that stand still
    row("soft_lockup", r"watchdog: BUG: soft lockup", f"{SPIN} cr_soft_lockup", *ENTRY, patience="soft"),
    row("rcu_stall", r"rcu: INFO: .* self-detected stall on CPU", f"{SPIN} cr_rcu_stall", *ENTRY, patience="rcu"),
    plain("hung_task", r"INFO: task .* blocked for more than", patience="hung"),
    row("hung_mutex", r"INFO: task hung waiter:.* blocked for more than", "hung_waiter", patience="hung"),
    # The same fault in every context
    row("irq", NULL, "store_at_null irq_callback"),
    row("timer", NULL, "store_at_null timer_callback"),
    row("hrtimer", NULL, "store_at_null hrtimer_callback"),
    row("softirq", NULL, "store_at_null tasklet_callback"),
    row("work", NULL, "store_at_null work_callback"),
    row("kthread", NULL, "store_at_null thread_function"),
    row("ipi", NULL, "store_at_null ipi_callback"),
    row("rcu", NULL, "store_at_null rcu_callback"),
    row("init", NULL, "cr_null_read", "crashme_run", "crashme_init", crash="null_read", how="insmod"),
    row("exit", NULL, "cr_null_read", "crashme_run", "crashme_exit", crash="null_read", how="rmmod"),
    # Chains that are hard to read back
    row("deep_inline", NULL, f"{IL_WALK} chain_3", "il_pass chain_2", "chain_1", "cr_deep_inline", *ENTRY),
    row("cross_module", NULL, f"{IL_WALK} cross_callback.leaf", *LIB, *AGAIN, *AGAIN, "cr_cross_module", *ENTRY),
    # gcc makes one instruction of the load in lib_key and the sum in lib_visit, and gives it the line of the sum.
    row("other_module", NULL, "lib_visit crashlib_sum", "cr_other_module", *ENTRY),
    row("clone", NULL, "clone_helper", "cr_clone", *ENTRY),
    row("cold", r"WARNING: CPU: .* at testdata/lab/inline.c", "cold_user.warn", "cr_cold", *ENTRY),
    row("tail", NULL, "tail_leaf", *ENTRY),
    # Without the module, and two crashes in one log
    row("sysrq_crash", r"Kernel panic - not syncing: sysrq triggered crash", crash="c", how="sysrq"),
    row("sysrq_show", r"sysrq: Show Blocked State", crash="l,w", how="sysrq"),
    row("oom", r"invoked oom-killer", how="oom"),
    row("both_cpus", NULL, "tail_leaf", *ENTRY, crash="tail", how="both"),
    row("warn_then_oops", r"WARNING: CPU: .* at testdata/lab/fault.c", "cr_warn", *ENTRY, crash="warn,null_read"),
    # Other settings of the kernel
    row("fatal_oops", NULL, "cr_null_read", *ENTRY, crash="null_read", kernel="oops=panic"),
    row("no_timestamps", NULL, "cr_null_read", *ENTRY, crash="null_read", kernel="printk.time=0"),
)
