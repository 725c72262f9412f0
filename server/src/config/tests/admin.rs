//! `[admin]`: the client by which people sign in to the pages.

use super::{load, refusal};
use crate::config::{Config, ConfigErrors};

fn pages(scopes: &str) -> String {
    format!(
        "[provider]\nissuer = \"http://localhost:6001\"\n[admin]\nenabled = true\n\
         [[clients]]\nclient_id = \"doorward-admin\"\nrequire_client_secret = false\n\
         allowed_grant_types = [\"authorization_code\"]\n\
         redirect_uris = [\"http://localhost:6001/admin/signed-in\"]\n\
         allowed_scopes = {scopes}\n"
    )
}

fn scope(config: Result<Config, ConfigErrors>) -> String {
    config.unwrap().admin.unwrap().pages_scope
}

#[test]
fn the_pages_ask_for_what_their_client_may_have() {
    let usual = scope(load("[admin]\nenabled = true\n", &[]));
    assert!(usual.starts_with("openid profile admin:users.read "), "{usual}");
    assert!(usual.contains(" admin:keys.write"), "{usual}");
    let fewer = "[\"admin:audit.read\", \"openid\", \"admin:users.read\", \"email\"]";
    assert_eq!(scope(load(&pages(fewer), &[])), "openid admin:users.read admin:audit.read");
}

#[test]
fn a_client_by_which_nobody_could_work_with_the_pages_is_refused() {
    for (scopes, lacks) in
        [("[\"openid\"]", "admin:users.read"), ("[\"admin:users.read\"]", "openid")]
    {
        let given = scopes.trim_matches(['[', ']']);
        let said = refusal(&pages(scopes), "clients.allowed_scopes", given);
        assert!(said.contains(&format!("allow it {lacks}, ")), "{said}");
        let without = pages(scopes).replace("enabled = true", "enabled = true\npages = false");
        assert!(load(&without, &[]).is_ok(), "{without}");
    }
}
