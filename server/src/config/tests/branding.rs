//! `[branding]`: what is read from files, and what is refused.

use std::{fs, path::Path};

use super::{CLIENT, load, refusal};
use crate::config::{Config, ConfigErrors};

/// The smallest file that looks like a whole PNG.
fn png() -> Vec<u8> {
    [&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01"[..], b"\0\0\0\0IEND\xae\x42\x60\x82"].concat()
}

fn with_logos(folder: &Path, rest: &str) -> Result<Config, ConfigErrors> {
    load(&format!("[branding]\nlogos = {folder:?}\n{rest}"), &[])
}

fn said(result: Result<Config, ConfigErrors>) -> String {
    result.map(|_| ()).expect_err("it is refused").to_string()
}

#[test]
fn values_that_no_page_can_show_are_refused() {
    let refused = |line: &str, key: &str, value: &str| {
        refusal(&format!("[branding]\n{line}\n"), &format!("branding.{key}"), value)
    };
    refused("name = \"\"", "name", "\"\"");
    let said = refused("accent = \"#ffd54f\"", "accent", "\"#ffd54f\"");
    assert!(said.contains("4.5:1") && said.contains("for example #"), "{said}");
    refused("accent_dark = \"#175c4a\"", "accent_dark", "\"#175c4a\"");
    refused("accent = \"green\"", "accent", "\"green\"");
    let said = refused("logo = \"logo.svg\"", "logo", "\"logo.svg\"");
    assert!(said.contains("scripts") && said.contains("PNG"), "{said}");
    refused("logo = \"../logo.png\"", "logo", "\"../logo.png\"");
    let said = refused("logo = \"logo.png\"", "logo", "\"logo.png\"");
    assert!(said.contains("branding.logos"), "{said}");
    refused("imprint = \"javascript:alert(1)\"", "imprint", "\"javascript:alert(1)\"");
    refused("privacy = \"http://example.com\"", "privacy", "\"http://example.com\"");
    refused("help = \"//example.com\"", "help", "\"//example.com\"");
    refused("logos = \"/nowhere/logos\"", "logos", "\"/nowhere/logos\"");
    refused("texts = \"/nowhere/texts\"", "texts", "\"/nowhere/texts\"");
}

#[test]
fn logos_are_checked_with_their_files() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("example.png"), png()).unwrap();
    fs::write(folder.join("README"), "what no setting can name is left alone").unwrap();
    let config = with_logos(folder, "logo = \"example.png\"").unwrap();
    assert_eq!(config.branding.logos.len(), 1);
    let client = format!("{CLIENT}branding = {{ logo = \"shop.png\" }}\n");
    let said_of_client = said(with_logos(folder, &client));
    assert!(said_of_client.contains("clients.branding.logo = \"shop.png\""), "{said_of_client}");
    assert!(said_of_client.contains("\"page\""), "{said_of_client}");
    fs::write(folder.join("bad.png"), "<svg onload=alert(1)>").unwrap();
    fs::write(folder.join("large.webp"), vec![0; 256 * 1024 + 1]).unwrap();
    let said = said(with_logos(folder, ""));
    assert!(said.contains("bad.png: it is not a PNG"), "{said}");
    assert!(said.contains("large.webp: it has 262145 bytes"), "{said}");
}

#[test]
fn texts_are_checked_with_file_and_key() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let check = |english: &str, german: &str| {
        fs::write(folder.join("en.toml"), english).unwrap();
        fs::write(folder.join("de.toml"), german).unwrap();
        load(&format!("[branding]\ntexts = {folder:?}\n"), &[])
    };
    let english = "sign_in = \"Enter\"\n[accounts]\nfull_name = \"Your name\"\n";
    check(english, "sign_in = \"Rein\"\naccounts.full_name = \"Ihr Name\"\n").unwrap();
    let said =
        said(check("to_continue_to = \"go\"\nnothing = \"x\"", "to_continue_to = \"{name}\""));
    for expected in [
        "en.toml: to_continue_to: the placeholder {name} is missing",
        "en.toml: nothing: there is no such text",
        "de.toml: nothing: it is replaced in en and not in de",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    for (bad, expected) in [("sign_in = 1", "sign_in: give a text"), ("sign_in =", "en.toml: ")] {
        let said = self::said(check(bad, "sign_in = \"x\""));
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn texts_of_clients_are_folders_in_that_of_the_texts() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let shop = folder.join("shop");
    fs::create_dir(&shop).unwrap();
    fs::create_dir(folder.join("not a name")).unwrap();
    fs::write(folder.join("en.toml"), "help = \"Support\"").unwrap();
    fs::write(folder.join("de.toml"), "help = \"Rat\"").unwrap();
    fs::write(shop.join("en.toml"), "sign_in = \"Enter the shop\"").unwrap();
    fs::write(shop.join("de.toml"), "sign_in = \"In den Laden\"").unwrap();
    let with = |client: &str| load(&format!("[branding]\ntexts = {folder:?}\n{client}"), &[]);
    let client = |texts: &str| format!("{CLIENT}branding = {{ texts = \"{texts}\" }}\n");
    let config = with(&client("shop")).unwrap();
    assert_eq!(config.branding.client_texts.len(), 1);
    let said_of_client = said(with(&client("other")));
    assert!(said_of_client.contains("clients.branding.texts = \"other\""), "{said_of_client}");
    let said_of_path = said(with(&client("../shop")));
    assert!(said_of_path.contains("give the name of a folder"), "{said_of_path}");
    // They are checked as strictly as those of the provider.
    fs::remove_file(shop.join("de.toml")).unwrap();
    let said_of_texts = said(with(&client("shop")));
    let expected = "de.toml: sign_in: it is replaced in en and not in de";
    assert!(said_of_texts.contains(expected), "{said_of_texts}");
    assert!(said_of_texts.contains("shop"), "{said_of_texts}");
}
