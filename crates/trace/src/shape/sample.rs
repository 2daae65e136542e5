//! Samples: texts that shapes match, so that the tables test themselves.

use super::Shape;
use super::group::Gap;
use super::part::Part;

impl Shape {
    /// A short text that the shape matches at its start: `%f` is `sample+`, `…` is `x`, `⏎` a line break.
    pub fn sample(&self) -> String {
        self.groups
            .iter()
            .flat_map(|group| std::iter::once(group.gap.sample()).chain(group.parts.iter().map(Part::sample)))
            .collect()
    }
}

impl Gap {
    fn sample(self) -> String {
        match self {
            Gap::None => "",
            // Something: without it the text may be that of a special row above.
            Gap::SameLine => "x",
            Gap::LaterLine | Gap::NextLine => "\n",
            Gap::Task => "sh:1 ",
        }
        .into()
    }
}

impl Part {
    fn sample(&self) -> String {
        match self {
            Part::Text(text) => String::from_utf8_lossy(text.needle()).into_owned(),
            Part::OneOf(texts, _) => texts.first().map_or(String::new(), |t| String::from_utf8_lossy(t).into_owned()),
            Part::Function(_) => "sample+".into(),
            Part::Source(_) => "fs/sample.c:1".into(),
            Part::Address => "[<ffffffff81000000>]".into(),
            Part::Allocator => "kmalloc".into(),
            Part::Class(class, _) => ["1", "a"].into_iter().find(|c| class(c.as_bytes()[0])).unwrap_or_default().into(),
            Part::Spaces(least) => " ".repeat(*least),
            Part::Lazy | Part::Rest(1..) => "sample".into(),
            Part::MaybeAddress | Part::Rest(0) | Part::Blank => String::new(),
        }
    }
}
