//! A message as it is sent: subject, text and HTML.

/// A message without its addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// One line, without control characters.
    pub subject: String,
    /// For readers without HTML.
    pub text: String,
    /// A whole HTML document.
    pub html: String,
}

/// What a rendered text template says: headers up to the first empty line, then the body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Letterhead<'a> {
    pub(crate) subject: String,
    /// The words on the button that stands for the link in the HTML.
    pub(crate) button: Option<String>,
    pub(crate) body: &'a str,
}

/// What is wrong with the head of a text template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadHead {
    /// Counted from 1.
    pub(crate) line: usize,
    pub(crate) problem: &'static str,
}

impl<'a> Letterhead<'a> {
    pub(crate) fn parse(rendered: &'a str) -> Result<Self, BadHead> {
        let (mut subject, mut button, mut rest) = (None, None, rendered);
        let mut line = 0;
        loop {
            line += 1;
            let (first, after) = rest.split_once('\n').unwrap_or((rest, ""));
            rest = after;
            match first.trim().split_once(':') {
                None if first.trim().is_empty() => break,
                Some(("Subject", value)) => subject = Some(one_line(value)),
                Some(("Button", value)) => button = Some(one_line(value)),
                _ => {
                    let problem = "the first lines are \"Subject: …\" and, if you like, \
                                   \"Button: …\", and an empty line ends them";
                    return Err(BadHead { line, problem });
                }
            }
        }
        match subject.filter(|subject| !subject.is_empty()) {
            Some(subject) => Ok(Self { subject, button, body: rest.trim() }),
            None => {
                Err(BadHead { line: 1, problem: "there is no line \"Subject: …\" at the top" })
            }
        }
    }

    /// The body's parts between empty lines.
    pub(crate) fn paragraphs(&self) -> impl Iterator<Item = Vec<&'a str>> {
        let mut lines = self.body.lines();
        std::iter::from_fn(move || {
            let paragraph: Vec<&str> = lines
                .by_ref()
                .skip_while(|line| line.trim().is_empty())
                .take_while(|line| !line.trim().is_empty())
                .collect();
            (!paragraph.is_empty()).then_some(paragraph)
        })
    }
}

/// The text on one line: what a control character could break out of is not left, nor what turns
/// the order of the letters around it.
pub(crate) fn one_line(text: &str) -> String {
    let spaced: String = text
        .chars()
        .filter(|own| !turns(*own))
        .map(|own| if own.is_control() || is_break(own) { ' ' } else { own })
        .collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Line breaks that Unicode does not count as control characters.
fn is_break(own: char) -> bool {
    matches!(own, '\u{2028}' | '\u{2029}')
}

/// The controls of Unicode's bidirectional algorithm (UAX 9 section 2). Letters have their
/// direction without them.
fn turns(own: char) -> bool {
    matches!(own, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_head_ends_at_the_first_empty_line() {
        let head =
            Letterhead::parse("Subject:  Hello \nButton: Go\n\nOne\ntwo\n\n\nThree\n").unwrap();
        assert_eq!((head.subject.as_str(), head.button.as_deref()), ("Hello", Some("Go")));
        assert_eq!(head.paragraphs().collect::<Vec<_>>(), [vec!["One", "two"], vec!["Three"]]);
    }

    #[test]
    fn a_letter_without_subject_is_refused() {
        assert_eq!(Letterhead::parse("Hello,\n\nyou").unwrap_err().line, 1);
        assert_eq!(Letterhead::parse("Subject: \n\nyou").unwrap_err().line, 1);
        assert_eq!(Letterhead::parse("Subject: a\nBcc: b\n\nyou").unwrap_err().line, 2);
        assert_eq!(Letterhead::parse("").unwrap_err().line, 1);
    }

    #[test]
    fn one_line_is_left_of_many() {
        assert_eq!(one_line(" a\r\nBcc: b\u{2028}c\u{0}d\te "), "a Bcc: b c d e");
        assert_eq!(one_line("a\u{202e}b\u{2066}c"), "abc");
    }
}
