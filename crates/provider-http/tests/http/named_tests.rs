//! Reads the source of tests: whether a name in a document is that of a test that runs and can
//! fail. Comments, strings and helpers with the name of a test do not count.

use std::{
    collections::{BTreeMap, BTreeSet},
    str::FromStr as _,
};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A function, or a case in the list that a macro makes tests of.
struct Function {
    attributes: Vec<String>,
    body: Vec<TokenTree>,
    is_case: bool,
}

/// The functions of one file.
pub struct SourceFile {
    functions: BTreeMap<String, Function>,
    /// The helpers of other files, which are taken to assert something.
    imported: BTreeSet<String>,
    /// Whether a macro of the file makes tests.
    makes_tests: bool,
}

impl SourceFile {
    pub fn parse(text: &str) -> Self {
        let tokens: Vec<_> = TokenStream::from_str(text).unwrap().into_iter().collect();
        let mut functions = BTreeMap::new();
        collect(&tokens, &mut functions);
        let makes_tests = text.contains("macro_rules!") && is_test_of(&attributes_in(&tokens));
        let imported = imported(&tokens);
        Self { functions, imported, makes_tests }
    }

    /// Why this is no test that can fail; `None` if it is one. `is_listed`: it is a case of a suite
    /// that is run elsewhere, and needs no attribute.
    pub fn problem(&self, name: &str, is_listed: bool) -> Option<&'static str> {
        let Some(function) = self.functions.get(name) else { return Some("there is no such test") };
        if function.attributes.iter().any(|attribute| attribute == "ignore") {
            return Some("the test is ignored");
        }
        if function.is_case {
            return (!self.makes_tests).then_some("no macro of the file makes it a test");
        }
        if !is_listed && !is_test_of(&function.attributes) {
            return Some("it is a helper, and no test");
        }
        (!self.can_fail(&function.body, 4)).then_some("the test asserts nothing")
    }

    /// Whether these statements can fail: by an assertion or `unwrap`, in a helper, too.
    fn can_fail(&self, body: &[TokenTree], depth: usize) -> bool {
        body.iter().any(|token| match token {
            TokenTree::Group(group) => {
                self.can_fail(&group.stream().into_iter().collect::<Vec<_>>(), depth)
            }
            TokenTree::Ident(word) => {
                let word = word.to_string();
                let fails =
                    ["assert", "prop_assert", "expect", "unwrap", "panic", "refuse", "fail"];
                fails.iter().any(|start| word.starts_with(start))
                    || self.imported.contains(&word)
                    || depth > 0
                        && self
                            .functions
                            .get(&word)
                            .is_some_and(|helper| self.can_fail(&helper.body, depth - 1))
            }
            _ => false,
        })
    }
}

/// The names that follow `module:` in a list that ends with a semicolon.
pub fn listed(text: &str, module: &str) -> Vec<String> {
    fn search(tokens: &[TokenTree], module: &str, found: &mut Vec<String>) {
        for (index, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Group(group) => {
                    search(&group.stream().into_iter().collect::<Vec<_>>(), module, found);
                }
                TokenTree::Ident(word) if *word == module && is(tokens.get(index + 1), ':') => {
                    let names =
                        tokens[index + 2..].iter().take_while(|token| !is(Some(token), ';'));
                    found.extend(names.filter_map(|token| match token {
                        TokenTree::Ident(name) => Some(name.to_string()),
                        _ => None,
                    }));
                }
                _ => {}
            }
        }
    }
    let mut found = Vec::new();
    let tokens: Vec<_> = TokenStream::from_str(text).unwrap().into_iter().collect();
    search(&tokens, module, &mut found);
    found
}

fn is(token: Option<&TokenTree>, wanted: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}

/// The functions that the file has from other test files.
fn imported(tokens: &[TokenTree]) -> BTreeSet<String> {
    fn words(tokens: TokenStream, found: &mut BTreeSet<String>) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => words(group.stream(), found),
                TokenTree::Ident(word) => drop(found.insert(word.to_string())),
                _ => {}
            }
        }
    }
    let mut found = BTreeSet::new();
    for (index, token) in tokens.iter().enumerate() {
        let from = tokens.get(index + 1).map(ToString::to_string).unwrap_or_default();
        if token.to_string() == "use" && ["super", "crate"].contains(&&*from) {
            let names = tokens[index + 2..].iter().take_while(|token| !is(Some(token), ';'));
            words(names.cloned().collect(), &mut found);
        }
    }
    found.retain(|name| name.starts_with(|letter: char| letter.is_ascii_lowercase()));
    found
}

/// Whether one of the attributes makes a test of a function: `#[test]`, `#[tokio::test(…)]`.
fn is_test_of(attributes: &[String]) -> bool {
    attributes.iter().any(|attribute| attribute == "test")
}

/// The last part of an attribute's path: `test` of `#[tokio::test(flavor = "…")]`.
fn attribute(token: &TokenTree) -> Option<String> {
    let TokenTree::Group(group) = token else { return None };
    let path = group.stream().into_iter().take_while(|token| !matches!(token, TokenTree::Group(_)));
    let words = path.filter_map(|token| match token {
        TokenTree::Ident(word) => Some(word.to_string()),
        _ => None,
    });
    (group.delimiter() == Delimiter::Bracket).then(|| words.last()).flatten()
}

/// Every attribute, at whatever depth.
fn attributes_in(tokens: &[TokenTree]) -> Vec<String> {
    let mut found = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        if is(Some(token), '#') {
            found.extend(tokens.get(index + 1).and_then(attribute));
        }
        if let TokenTree::Group(group) = token {
            found.extend(attributes_in(&group.stream().into_iter().collect::<Vec<_>>()));
        }
    }
    found
}

/// Collects the functions and cases at whatever depth, those in calls of macros included.
fn collect(tokens: &[TokenTree], found: &mut BTreeMap<String, Function>) {
    let mut attributes = Vec::new();
    let mut index = 0;
    while let Some(token) = tokens.get(index) {
        index += 1;
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '#' => {
                attributes.extend(tokens.get(index).and_then(attribute));
                index += 1;
            }
            TokenTree::Ident(word) if word == "fn" => {
                let (Some(TokenTree::Ident(name)), Some((body, after))) =
                    (tokens.get(index), next_block(tokens, index))
                else {
                    continue;
                };
                collect(&body, found);
                let attributes = std::mem::take(&mut attributes);
                found.insert(name.to_string(), Function { attributes, body, is_case: false });
                index = after;
            }
            TokenTree::Ident(name) if is(tokens.get(index), ':') => {
                if let Some(TokenTree::Group(group)) = tokens.get(index + 1)
                    && group.delimiter() == Delimiter::Brace
                {
                    let function =
                        Function { attributes: Vec::new(), body: Vec::new(), is_case: true };
                    found.entry(name.to_string()).or_insert(function);
                }
            }
            TokenTree::Ident(word) if ["pub", "async", "const"].contains(&&*word.to_string()) => {}
            TokenTree::Group(group) => {
                collect(&group.stream().into_iter().collect::<Vec<_>>(), found);
                if group.delimiter() == Delimiter::Brace {
                    attributes.clear();
                }
            }
            _ => attributes.clear(),
        }
    }
}

/// The next braces and where they end.
fn next_block(tokens: &[TokenTree], from: usize) -> Option<(Vec<TokenTree>, usize)> {
    tokens.iter().enumerate().skip(from).find_map(|(index, token)| match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
            Some((group.stream().into_iter().collect(), index + 1))
        }
        _ => None,
    })
}

#[test]
fn only_a_test_that_runs_and_can_fail_is_one() {
    let file = SourceFile::parse(
        r#"
        use super::{inner::question, Thing};
        fn helper() { assert!(true) }
        #[test] fn asks() { question(Thing) }
        #[test] fn makes() { Thing; }
        #[test] fn good() { helper() }
        #[tokio::test(flavor = "multi_thread")] async fn waits() { assert_eq!(1, 1) }
        #[test] fn empty() { let _ = 1 + 1; }
        #[test] #[ignore = "slow"] fn slow() { assert!(true) }
        // fn commented() { assert!(true) }
        const TEXT: &str = "fn quoted() {}";
        mod inner { proptest! { #[test] fn property(x in 0..9) { prop_assert!(x < 9) } } }
        "#,
    );
    for name in ["good", "waits", "asks", "property"] {
        assert_eq!(file.problem(name, false), None, "{name}");
    }
    for name in ["helper", "empty", "makes", "slow", "commented", "quoted"] {
        assert!(file.problem(name, false).is_some(), "{name}");
    }
    assert_eq!(file.problem("helper", true), None, "a case of a suite");
    assert_eq!(listed("suite! { open; a: one, two; b: three; }", "a"), ["one", "two"]);
}
