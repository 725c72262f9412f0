//! `docs/conformance.md` names tests; they must exist.

use std::fs;

#[test]
fn every_test_in_the_table_exists() {
    let root = env!("CARGO_MANIFEST_DIR");
    let table = fs::read_to_string(format!("{root}/../../docs/conformance.md")).unwrap();
    let named: Vec<&str> = table.split('`').filter(|word| word.contains("::") && !word.contains(' ')).collect();
    assert!(named.len() > 30, "only {} tests are named", named.len());
    for name in named.into_iter().filter(|name| *name != "module::test") {
        let (module, test) = name.rsplit_once("::").unwrap();
        let path = format!("{root}/tests/it/{}", module.replace("::", "/"));
        let source = fs::read_to_string(format!("{path}.rs")).or_else(|_| fs::read_to_string(format!("{path}/mod.rs")));
        let source = source.unwrap_or_else(|_| panic!("{name}: there is no such module"));
        assert!(source.contains(&format!("fn {test}(")), "{name}: there is no such test");
    }
}
