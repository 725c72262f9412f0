//! Options that hold lists.

/// The values between commas, without space around them, each once and none empty.
pub fn values(given: &[String]) -> Vec<String> {
    let mut values: Vec<String> = Vec::new();
    for value in given.iter().flat_map(|text| text.split(',')).map(str::trim) {
        if !value.is_empty() && !values.iter().any(|known| known == value) {
            values.push(value.to_owned());
        }
    }
    values
}

/// A list without `removed` and with `added` at its end.
pub fn changed(mut list: Vec<String>, added: &[String], removed: &[String]) -> Vec<String> {
    list.retain(|value| !removed.contains(value));
    for value in added {
        if !list.contains(value) {
            list.push(value.clone());
        }
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_trimmed_and_differ() {
        let values = |text: &str| values(&[text.to_owned()]);
        assert_eq!(values("a,,a, b"), ["a", "b"]);
        assert!(values(" , ").is_empty());
    }

    #[test]
    fn a_list_is_changed_by_its_values() {
        let list = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        let after = changed(list(&["a", "b"]), &list(&["c", "b"]), &list(&["a", "x"]));
        assert_eq!(after, ["b", "c"]);
    }
}
