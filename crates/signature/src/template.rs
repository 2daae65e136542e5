//! Templates: texts with `{arguments}` in them, as the rows of the table have titles.

/// A template with the value of each argument put in; none where one of them has no value.
pub(crate) fn filled<'v>(template: &str, value: impl Fn(&str) -> Option<&'v str>) -> Option<String> {
    let mut text = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some(open) = memchr::memchr(b'{', rest.as_bytes()) {
        text.push_str(&rest[..open]);
        let after = &rest[open + 1..];
        let (argument, after) = after.split_once('}').unwrap_or((after, ""));
        text.push_str(value(argument)?);
        rest = after;
    }
    text.push_str(rest);
    Some(text)
}
