//! What a git repository says of a commit: the patch that `git show` prints, as files and functions.

use std::collections::BTreeSet;

/// What a git repository knows of the culprit; its paths replace those of the log, which git has shortened. Without any file
/// the repository does not know it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GitFacts {
    /// Paths that the commit touches.
    pub files: Vec<String>,
    /// Functions that the commit touches.
    pub functions: Vec<String>,
}

impl GitFacts {
    /// Reads a patch as git prints it: the paths of its files, the functions that git names at each hunk, and those
    /// whose first lines the patch adds or removes. Other text is skipped.
    ///
    /// ```
    /// let facts = bisect::GitFacts::of_patch("--- a/mm/a.c\n+++ b/mm/a.c\n@@ -3 +3 @@ int grow(int by)\n-\treturn 0;\n+\treturn by;\n");
    /// assert_eq!((facts.files[0].as_str(), facts.functions[0].as_str()), ("mm/a.c", "grow"));
    /// ```
    pub fn of_patch(patch: &str) -> GitFacts {
        let (mut files, mut functions) = (BTreeSet::new(), BTreeSet::new());
        // Lines that the open hunk still has: `--- x` is a removed line `-- x` there, and a path elsewhere.
        let (mut removed, mut added) = (0usize, 0usize);
        for line in patch.lines() {
            let definition = match line.as_bytes().first() {
                Some(b'-') if removed > 0 => {
                    removed -= 1;
                    &line[1..]
                }
                Some(b'+') if added > 0 => {
                    added -= 1;
                    &line[1..]
                }
                Some(b' ') if removed > 0 || added > 0 => {
                    (removed, added) = (removed.saturating_sub(1), added.saturating_sub(1));
                    continue;
                }
                _ => match hunk(line) {
                    Some((left, right, context)) => {
                        (removed, added) = (left, right);
                        context
                    }
                    None => {
                        let path = line.strip_prefix("--- a/").or_else(|| line.strip_prefix("+++ b/"));
                        files.extend(path.map(|path| path.trim_end_matches('\t').to_owned()));
                        continue;
                    }
                },
            };
            functions.extend(function(definition).map(str::to_owned));
        }
        GitFacts { files: files.into_iter().collect(), functions: functions.into_iter().collect() }
    }
}

/// Removed lines, added lines and context of `@@ -3,2 +3 @@ int grow(int by)`.
fn hunk(line: &str) -> Option<(usize, usize, &str)> {
    let (ranges, context) = line.strip_prefix("@@ -")?.split_once(" @@")?;
    let (left, right) = ranges.split_once(" +")?;
    let length = |range: &str| range.split_once(',').map_or(Some(1), |(_, length)| length.parse().ok());
    Some((length(left)?, length(right)?, context.trim_start()))
}

/// The function whose definition a line starts: C code at the left edge with an argument list, no macro.
fn function(line: &str) -> Option<&str> {
    let (before, _) = line.split_once('(')?;
    if !before.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') || line.ends_with(';') {
        return None;
    }
    let name = before.trim_end().rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_').next()?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "_ *\t".contains(c);
    let is_name = !name.is_empty() && name.contains(|c: char| c.is_ascii_lowercase());
    (is_name && before.chars().all(plain)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_is_files_and_functions() {
        let patch = "diff --git a/net/a.c b/net/a.c\nindex 1..2 100644\n--- a/net/a.c\n+++ b/net/a.c\n\
            @@ -10,2 +10,3 @@ static int a_open(struct a *a,\n-\tx = y(z);\n---- a/trap\n+\tx = 1;\n+static void *a_new(int n)\n+{\n\
            @@ -90 +91 @@ EXPORT_SYMBOL(a_open);\n-#define A(x) (x)\n+#define A(x) (x + 1)\n\
            diff --git a/new.c b/new.c\n--- /dev/null\n+++ b/new.c\n@@ -0,0 +1,2 @@\n+int fresh(void)\n+{ }\n";
        let facts = GitFacts::of_patch(patch);
        assert_eq!(facts.files, ["net/a.c", "new.c"]);
        assert_eq!(facts.functions, ["a_new", "a_open", "fresh"]);
    }

    #[test]
    fn any_text_is_read() {
        for text in
            ["", "@@ -", "@@ -9999999999999999999999 +1 @@ f(", "@@ -1 +1 @@\n-\n+(\n", "--- a/\n+++ b/\u{fffd}\n"]
        {
            GitFacts::of_patch(text);
        }
    }
}
