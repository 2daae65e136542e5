//! Names without what compilers and counters put into them.

use std::borrow::Cow;

/// The name of a symbol as two builds of the same source agree on it.
///
/// `foo.isra.0` is `foo.isra`, `__func__.12` is `__func__`, `__UNIQUE_ID_ddebug236.11` is `__UNIQUE_ID_ddebug`, and
/// `__initcall__kmod_loop__341_2180_loop_init6` is `__initcall__loop_init6` (its numbers are a counter and the line).
pub(super) fn normal_name(symbol: &str) -> Cow<'_, str> {
    if let Some(rest) = symbol.strip_prefix("__initcall__kmod_") {
        return initcall(rest).map_or(Cow::Borrowed(symbol), |call| format!("__initcall__{call}").into());
    }
    let mut name = Cow::Borrowed(symbol);
    if symbol.contains('.') {
        let mut pieces = symbol.split('.');
        let mut plain = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces.filter(|piece| !is_number(piece)) {
            plain.push('.');
            plain.push_str(piece);
        }
        name = Cow::Owned(plain);
    }
    if symbol.starts_with("__UNIQUE_ID_") || symbol.starts_with("__BTF_ID__") {
        let plain = name.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        name = Cow::Owned(name[..plain].to_owned());
    }
    name
}

/// `loop_init6` of `loop__341_2180_loop_init6`.
fn initcall(rest: &str) -> Option<&str> {
    let (_, rest) = rest.split_once("__").filter(|(_, rest)| rest.starts_with(|c: char| c.is_ascii_digit()))?;
    let (counter, rest) = rest.split_once('_')?;
    let (line, call) = rest.split_once('_')?;
    (is_number(counter) && is_number(line)).then_some(call)
}

fn is_number(piece: &str) -> bool {
    !piece.is_empty() && piece.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::normal_name;

    #[test]
    fn counters_are_left_out() {
        for (symbol, plain) in [
            ("foo", "foo"),
            ("foo.isra.0", "foo.isra"),
            ("foo.constprop.0.isra.12", "foo.constprop.isra"),
            ("foo.cold", "foo.cold"),
            ("__func__.12", "__func__"),
            ("__UNIQUE_ID_ddebug236.11", "__UNIQUE_ID_ddebug"),
            ("__BTF_ID__func__bpf_lsm_syslog__65648", "__BTF_ID__func__bpf_lsm_syslog__"),
            ("__initcall__kmod_blk_iocost__569_3489_ioc_init6", "__initcall__ioc_init6"),
            ("__initcall__kmod_odd", "__initcall__kmod_odd"),
            ("crc32c_intel2", "crc32c_intel2"),
        ] {
            assert_eq!(normal_name(symbol), plain);
        }
    }
}
