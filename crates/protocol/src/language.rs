//! The language of a reader: `Accept-Language` (RFC 9110 section 12.5.4).

/// The known language with the greatest weight in the values of `Accept-Language`. The first of
/// several with equal weights wins.
pub fn accepted<'a, 'k>(
    values: impl IntoIterator<Item = &'a str>,
    known: &[&'k str],
) -> Option<&'k str> {
    let mut best = (None, 0.0);
    for range in values.into_iter().flat_map(|value| value.split(',')) {
        let (tag, weight) = range.split_once(';').unwrap_or((range, "q=1"));
        let weight: f32 =
            weight.trim().strip_prefix("q=").and_then(|weight| weight.parse().ok()).unwrap_or(0.0);
        if let Some(language) = of_tag(tag.trim(), known).filter(|_| weight > best.1) {
            best = (Some(language), weight);
        }
    }
    best.0
}

/// The known language of a tag. Its region and script are ignored (RFC 4647 section 3.4).
pub fn of_tag<'k>(tag: &str, known: &[&'k str]) -> Option<&'k str> {
    let primary = tag.split('-').next().unwrap_or_default();
    known.iter().copied().find(|language| language.eq_ignore_ascii_case(primary))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_weight_wins_among_those_that_are_known() {
        let accepted = |value: &'static str| accepted([value], &["en", "de"]);
        assert_eq!(accepted("de"), Some("de"));
        assert_eq!(accepted("fr, de-AT;q=0.5, en;q=0.4"), Some("de"));
        assert_eq!(accepted("en;q=0.8,DE;q=0.8"), Some("en"));
        assert_eq!(accepted("de;q=0, en;q=x"), None);
        assert_eq!(accepted("fr"), None);
        assert_eq!(accepted(""), None);
    }
}
