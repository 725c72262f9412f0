#![allow(clippy::unwrap_used)]
use std::{fs, path::Path};

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::CertificateDer;
use tempfile::TempDir;

use super::*;

/// A self-signed certificate and its key in files; expired if asked for.
fn files(folder: &TempDir, name: &str, expired: bool) -> (PathBuf, PathBuf) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    if expired {
        params.not_before = rcgen::date_time_ymd(2001, 1, 1);
        params.not_after = rcgen::date_time_ymd(2002, 1, 1);
    }
    let paths = [".crt", ".key"].map(|ending| folder.path().join(format!("{name}{ending}")));
    fs::write(&paths[0], params.self_signed(&key).unwrap().pem()).unwrap();
    fs::write(&paths[1], key.serialize_pem()).unwrap();
    let [certificate, key] = paths;
    (certificate, key)
}

fn problem(certificate: &Path, key: &Path) -> String {
    let error = files::read(certificate, key, &provider()).map(|_| ()).unwrap_err();
    format!("{}: {error}", error.path().file_name().unwrap().display())
}

#[test]
fn what_is_wrong_with_certificate_or_key_is_told_of_the_right_file() {
    let folder = TempDir::new().unwrap();
    let (certificate, key) = files(&folder, "good", false);
    assert!(files::read(&certificate, &key, &provider()).is_ok());
    let (other, other_key) = files(&folder, "other", false);
    assert!(
        problem(&certificate, &other_key)
            .starts_with("other.key: this is not the private key of the certificate")
    );
    let (old, old_key) = files(&folder, "old", true);
    assert!(problem(&old, &old_key).starts_with("old.crt: the certificate has expired"));
    assert!(
        problem(&folder.path().join("gone.crt"), &key)
            .starts_with("gone.crt: the file can't be read")
    );
    assert!(
        problem(&certificate, &folder.path().join("gone.key"))
            .starts_with("gone.key: the file can't be read")
    );
    assert!(problem(&key, &key).starts_with("good.key: there is no certificate"));
    assert!(problem(&other, &other).starts_with("other.crt: there is no private key"));
}

#[test]
fn the_authority_for_development_is_made_once_and_for_this_user_only() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("tls");
    let first = Development::open(&data, &SystemEntropy, &provider()).unwrap();
    let second = Development::open(&data, &SystemEntropy, &provider()).unwrap();
    assert_eq!(first.authority, second.authority);
    assert_ne!(first.certified.cert, second.certified.cert);
    let public = fs::read_to_string(data.join("authority.crt")).unwrap();
    assert!(public.contains("BEGIN CERTIFICATE") && !public.contains("PRIVATE"), "{public}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&data), mode(&data.join("authority.pem"))), (0o700, 0o600));
    }
}

/// By the rules that browsers follow, too: the authority can't speak for another host.
#[test]
fn the_authority_for_development_speaks_for_this_machine_only() {
    use rustls::{
        RootCertStore,
        client::{WebPkiServerVerifier, danger::ServerCertVerifier as _},
        pki_types::{ServerName, UnixTime},
    };
    let folder = TempDir::new().unwrap();
    let made = Development::open(folder.path(), &SystemEntropy, &provider()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(made.authority.clone()).unwrap();
    let verifier =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::new(provider()))
            .build()
            .unwrap();
    let accepts = |certificate: &CertificateDer<'_>, name: &str| {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        verifier.verify_server_cert(certificate, &[], &name, &[], UnixTime::now()).is_ok()
    };
    let own = &made.certified.cert[0];
    for name in ["localhost", "127.0.0.1", "::1"] {
        assert!(accepts(own, name), "{name}");
    }
    assert!(!accepts(own, "example.com"));
    let foreign = development::sign_for(folder.path(), "example.com");
    assert!(!accepts(&foreign, "example.com"));
}

#[test]
fn a_certificate_is_replaced_only_by_one_that_is_in_order() {
    let folder = TempDir::new().unwrap();
    let (certificate, key) = files(&folder, "first", false);
    let certified = files::read(&certificate, &key, &provider()).unwrap();
    let server = TlsServer::new(certified, Some(Files::new(&certificate, &key))).unwrap();
    let current = || server.current.0.read().unwrap().cert.clone();
    let first = current();
    fs::write(&certificate, "half of a file").unwrap();
    server.reload();
    assert_eq!(current(), first);
    let (next, next_key) = files(&folder, "next", false);
    fs::copy(next, &certificate).unwrap();
    fs::copy(next_key, &key).unwrap();
    server.reload();
    assert_ne!(current(), first);
}

#[test]
fn files_are_read_anew_when_one_has_changed_and_both_are_there() {
    let folder = TempDir::new().unwrap();
    let (certificate, key) = files(&folder, "own", false);
    let own = Files::new(&certificate, &key);
    let server = TlsServer::new(own.read().unwrap(), Some(own)).unwrap();
    let current = || Arc::clone(&server.current.0.read().unwrap());
    let mut last = current();
    // Clocks of file systems are coarse: two files written in a moment may have the same time.
    let mut time = SystemTime::now();
    let mut put = |name: &str, target: &Path| {
        time += Duration::from_secs(1);
        fs::copy(folder.path().join(name), target).unwrap();
        fs::File::options().write(true).open(target).unwrap().set_modified(time).unwrap();
    };
    files(&folder, "next", false);
    server.reload_if_changed();
    assert!(Arc::ptr_eq(&current(), &last), "nothing has changed");
    fs::remove_file(&key).unwrap();
    put("next.crt", &certificate);
    server.reload_if_changed();
    assert!(Arc::ptr_eq(&current(), &last), "there is no key");
    put("next.key", &key);
    server.reload_if_changed();
    assert_ne!(current().cert, last.cert);
    last = current();
    server.reload_if_changed();
    assert!(Arc::ptr_eq(&current(), &last), "it was read already");
}

/// As where the owner of the key is set after it was written.
#[test]
fn files_that_could_not_be_read_are_read_again_though_nothing_shows_a_change() {
    let folder = TempDir::new().unwrap();
    let (certificate, key) = files(&folder, "own", false);
    let own = Files::new(&certificate, &key);
    let server = TlsServer::new(own.read().unwrap(), Some(own)).unwrap();
    let current = || server.current.0.read().unwrap().cert.clone();
    let stamps = || server.files.as_ref().unwrap().stamps().unwrap();
    let first = current();
    let time = SystemTime::now() + Duration::from_secs(1);
    let put = |source: &Path, target: &Path| {
        fs::copy(source, target).unwrap();
        fs::File::options().write(true).open(target).unwrap().set_modified(time).unwrap();
    };
    let (next, next_key) = files(&folder, "next", false);
    let (_, other_key) = files(&folder, "other", false);
    put(&next, &certificate);
    put(&other_key, &key);
    let before = stamps();
    server.reload_if_changed();
    assert_eq!(current(), first, "the key is of another certificate");
    put(&next_key, &key);
    assert_eq!(stamps(), before);
    server.reload_if_changed();
    assert_ne!(current(), first);
}
