//! TLS: with a certificate for development, and with one from files.

use std::{fs, path::Path};

use rcgen::{CertificateParams, KeyPair};
use reqwest::{Certificate, Client};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::{
    Doorward, PATIENCE, Sandbox, ready, refusal, sign_in_by_password, text, until,
};

/// A browser that trusts this authority and no other.
fn trusting(authority: &Path) -> Client {
    let authority = Certificate::from_pem(&fs::read(authority).unwrap()).unwrap();
    Client::builder().tls_certs_only([authority]).pool_max_idle_per_host(0).build().unwrap()
}

/// Writes a certificate for localhost, signed by itself, and its key.
fn certificate(folder: &Path, name: &str, last_year: i32) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.not_after = rcgen::date_time_ymd(last_year, 1, 1);
    params.not_before = rcgen::date_time_ymd(2001, 1, 1);
    fs::write(folder.join(format!("{name}.crt")), params.self_signed(&key).unwrap().pem()).unwrap();
    fs::write(folder.join(format!("{name}.key")), key.serialize_pem()).unwrap();
}

#[tokio::test]
async fn with_a_development_certificate_everything_works_by_https() {
    let place = Sandbox::with_tls();
    let server = place.serve(&["--tls"]);
    let http = trusting(&place.folder().join("data/tls/authority.crt"));
    let address = place.provider.replace("https://localhost", "127.0.0.1");
    // Whoever says nothing, or something else than TLS, holds up nobody.
    let _silent = TcpStream::connect(&address).await.unwrap();
    let mut plain = TcpStream::connect(&address).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut rest = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, plain.read_to_end(&mut rest)).await.unwrap();
    assert!(!rest.starts_with(b"HTTP"), "{rest:?}");

    let alice = sign_in_by_password(&http, &place, "alice").await;
    // The API fetches the issuer's keys by https, too.
    let api = format!("{}/api/DemoPolicyBased/Admin/Get", place.app);
    assert_eq!(
        http.get(api).bearer_auth(text(&alice, "access_token")).send().await.unwrap().status(),
        200
    );
    let login = http.get(format!("{}/account/login", place.provider)).send().await.unwrap();
    let cookie = login.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("__Host-") && cookie.contains("; Secure"), "{cookie}");
    assert!(
        !login.headers().contains_key("strict-transport-security"),
        "it would hold for other servers of this machine"
    );
    let config = http.get(format!("{}/config.json", place.app)).send().await.unwrap();
    assert_eq!(text(&config.json().await.unwrap(), "authority"), place.provider);
    server.stop();

    // The authority lasts, so that it is trusted once.
    let server = place.serve(&["--tls"]);
    ready(&http, &place.app).await;
    server.stop();
}

#[tokio::test]
async fn a_renewed_certificate_is_taken_over_without_a_restart() {
    let place = Sandbox::with_tls();
    certificate(place.folder(), "first", 2100);
    certificate(place.folder(), "next", 2100);
    let [certificate, key] = ["tls.crt", "tls.key"].map(|name| place.folder().join(name));
    let put = |name: &str| {
        fs::copy(place.folder().join(format!("{name}.crt")), &certificate).unwrap();
        fs::copy(place.folder().join(format!("{name}.key")), &key).unwrap();
    };
    put("first");
    let mut command = place.command(&["serve"]);
    command.env("DOORWARD_TLS__CERTIFICATE", "tls.crt").env("DOORWARD_TLS__KEY", "tls.key");
    // The API trusts it by this setting.
    command.env("DOORWARD_TLS__TRUSTED_CA", "first.crt");
    let server = Doorward::start(command);
    let live = format!("{}/health/live", place.provider);
    let [first, next] = ["first.crt", "next.crt"].map(|name| trusting(&place.folder().join(name)));
    assert_eq!(first.get(&live).send().await.unwrap().status(), 200);
    let alice = sign_in_by_password(&first, &place, "alice").await;
    let api = format!("{}/api/DemoPolicyBased/Admin/Get", place.app);
    assert_eq!(
        first.get(api).bearer_auth(text(&alice, "access_token")).send().await.unwrap().status(),
        200
    );
    assert!(next.get(&live).send().await.is_err());
    put("next");
    server.signal("HUP");
    until("it shows the next one", async || next.get(&live).send().await.is_ok()).await;
    // Not with the client from before: it may resume its session, for which no certificate is
    // shown.
    let late = trusting(&place.folder().join("first.crt"));
    assert!(late.get(&live).send().await.is_err());
    server.stop();
}

#[test]
fn a_certificate_that_can_not_be_used_is_refused_by_its_file() {
    let place = Sandbox::with_tls();
    certificate(place.folder(), "good", 2100);
    certificate(place.folder(), "other", 2100);
    certificate(place.folder(), "old", 2002);
    for (certificate, key, named, problem) in [
        ("gone.crt", "good.key", "tls.certificate = \"gone.crt\"", "can't be read"),
        ("good.crt", "gone.key", "tls.key = \"gone.key\"", "can't be read"),
        ("good.key", "good.key", "tls.certificate = \"good.key\"", "no certificate"),
        ("good.crt", "good.crt", "tls.key = \"good.crt\"", "no private key"),
        (
            "good.crt",
            "other.key",
            "tls.key = \"other.key\"",
            "not the private key of the certificate in good.crt",
        ),
        ("old.crt", "old.key", "tls.certificate = \"old.crt\"", "has expired"),
    ] {
        for arguments in [["serve"].as_slice(), &["config", "check"]] {
            let mut command = place.command(arguments);
            command.env("DOORWARD_TLS__CERTIFICATE", certificate).env("DOORWARD_TLS__KEY", key);
            let line = refusal(&command.output().unwrap());
            assert!(line.contains(named) && line.contains(problem), "{line}");
            assert!(line.contains("DOORWARD_TLS__"), "the place is named: {line}");
        }
    }
}

#[test]
fn of_a_private_key_that_everybody_may_read_is_warned() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Sandbox::with_tls();
    certificate(place.folder(), "own", 2100);
    for (mode, warned) in [(0o644, true), (0o640, false)] {
        fs::set_permissions(place.folder().join("own.key"), fs::Permissions::from_mode(mode))
            .unwrap();
        let mut command = place.command(&["serve"]);
        command.env("DOORWARD_TLS__CERTIFICATE", "own.crt").env("DOORWARD_TLS__KEY", "own.key");
        let log = place.folder().join("log");
        Doorward::start_logging(command, fs::File::create(&log).unwrap()).stop();
        let log = fs::read_to_string(log).unwrap();
        assert_eq!(log.contains("every user of this machine may read tls.key"), warned, "{log}");
    }
}

#[test]
fn an_https_issuer_without_anybody_who_speaks_tls_is_refused() {
    let place = Sandbox::new();
    let mut command = place.command(&["serve", "--role", "provider"]);
    let line = refusal(
        &command.env("DOORWARD_PROVIDER__ISSUER", "https://localhost:6001").output().unwrap(),
    );
    assert!(
        line.contains("provider.issuer = \"https://localhost:6001\"")
            && line.contains("nobody speaks TLS"),
        "{line}"
    );
}
