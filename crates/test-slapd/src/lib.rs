//! An OpenLDAP server for the time of a test: started from Debian's package on free ports of
//! loopback, in a folder of its own; stopped and removed with the value, and also when the process
//! that holds it dies.
//!
//! ```no_run
//! let slapd = test_slapd::TestSlapd::start(&test_slapd::person("ada", "secret"));
//! let port = slapd.port();
//! ```
#![allow(clippy::unwrap_used)]

use std::{
    fmt::Write as _,
    fs,
    io::Write as _,
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    thread,
    time::Duration,
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;
use test_ports::ReservedPort;

/// The entry under which everything is.
pub const BASE: &str = "dc=example,dc=com";
/// The account that may read everything but passwords.
pub const READER: &str = "cn=reader,dc=example,dc=com";
/// Its password.
pub const READER_PASSWORD: &str = "the-password-of-the-reader";
/// The account that may write what is under `ou=people`, and the members of groups under
/// `ou=groups`.
pub const WRITER: &str = "cn=writer,dc=example,dc=com";
/// Its password.
pub const WRITER_PASSWORD: &str = "the-password-of-the-writer";
/// The password policy of whoever has to change the password.
const POLICY: &str = "cn=policy,dc=example,dc=com";
const ADMIN: &str = "cn=admin,dc=example,dc=com";
const ADMIN_PASSWORD: &str = "the-password-of-the-admin";

/// A running server.
#[derive(Debug)]
pub struct TestSlapd {
    folder: PathBuf,
    port: ReservedPort,
    tls_port: ReservedPort,
    /// The authority (DER) that has issued the certificate.
    authority: Vec<u8>,
    server: Option<Child>,
    /// Removes the folder, and ends the server, as soon as the pipe to it is closed.
    watcher: Child,
    open_until_dropped: Option<ChildStdin>,
}

/// An entry of a person under `ou=people`, as LDIF. The name is written into it as it is.
pub fn person(name: &str, password: &str) -> String {
    format!(
        "dn: uid={name},ou=people,{BASE}\nobjectClass: inetOrgPerson\nobjectClass: shadowAccount\n\
         uid: {name}\ncn: {name} Example\nsn: Example\ngivenName: {name}\n\
         mail: {name}@example.com\nuserPassword: {password}\n\n"
    )
}

/// A group under `ou=groups` with these members, as LDIF.
pub fn group(name: &str, members: &[&str]) -> String {
    let mut ldif =
        format!("dn: cn={name},ou=groups,{BASE}\nobjectClass: groupOfNames\ncn: {name}\n");
    for member in members {
        let _ = writeln!(ldif, "member: {member}");
    }
    ldif + "\n"
}

impl TestSlapd {
    /// A server with these entries (LDIF) beside `ou=people`, `ou=groups` and the reader.
    ///
    /// # Panics
    /// If OpenLDAP is not installed, or does not start, or the entries are none.
    pub fn start(entries: &str) -> Self {
        let folder = TempDir::with_prefix("test-slapd-").unwrap().keep();
        let authority = certificates(&folder);
        let here = folder.display();
        fs::create_dir(folder.join("data")).unwrap();
        fs::write(folder.join("slapd.conf"), configuration(&here.to_string())).unwrap();
        let mut watcher = Command::new("sh")
            .args(["-c", r#"cat > /dev/null; kill -9 $(cat "$1/pid"); rm -rf "$1""#, "sh"])
            .arg(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let open_until_dropped = watcher.stdin.take();
        let ldif = folder.join("entries.ldif");
        fs::write(&ldif, format!("{}{entries}", first_entries())).unwrap();
        let mut load = Command::new(program("slapadd"));
        load.args(["-q", "-f"]).arg(folder.join("slapd.conf")).arg("-l").arg(&ldif);
        succeed(&mut load);
        let (port, tls_port) = (ReservedPort::new(), ReservedPort::new());
        let server = None;
        let mut slapd =
            Self { folder, port, tls_port, authority, server, watcher, open_until_dropped };
        slapd.start_again();
        slapd
    }

    /// The port for `ldap`, by which StartTLS is offered, too.
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// The port for `ldaps`.
    pub fn tls_port(&self) -> u16 {
        self.tls_port.number()
    }

    /// The authority (DER) that has issued the certificate, which is for 127.0.0.1 and localhost.
    pub fn authority(&self) -> Vec<u8> {
        self.authority.clone()
    }

    /// The authority in PEM.
    pub fn authority_file(&self) -> PathBuf {
        self.folder.join("authority.pem")
    }

    /// Changes entries as an administrator, by LDIF with `changetype`.
    ///
    /// # Panics
    /// If the server refuses.
    pub fn change(&self, ldif: &str) {
        let mut change = Command::new(program("ldapmodify"))
            .args(["-x", "-D", ADMIN, "-w", ADMIN_PASSWORD, "-H"])
            .arg(format!("ldap://127.0.0.1:{}", self.port()))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        change.stdin.take().unwrap().write_all(ldif.as_bytes()).unwrap();
        let output = change.wait_with_output().unwrap();
        assert!(output.status.success(), "{ldif}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Sets one attribute of an entry.
    ///
    /// # Panics
    /// If the server refuses.
    pub fn set(&self, dn: &str, attribute: &str, value: &str) {
        self.change(&format!(
            "dn: {dn}\nchangetype: modify\nreplace: {attribute}\n{attribute}: {value}\n"
        ));
    }

    /// Makes the user of an entry change the password first.
    ///
    /// # Panics
    /// If the server refuses.
    pub fn must_change(&self, dn: &str) {
        self.watch_passwords(dn);
        self.set(dn, "pwdReset", "TRUE");
    }

    /// Lets the server note wrong passwords of an entry.
    ///
    /// # Panics
    /// If the server refuses.
    pub fn watch_passwords(&self, dn: &str) {
        self.set(dn, "pwdPolicySubentry", POLICY);
    }

    /// How many wrong passwords the server has noted.
    ///
    /// # Panics
    /// If the server refuses.
    pub fn wrong_passwords(&self, dn: &str) -> usize {
        let url = format!("ldap://127.0.0.1:{}", self.port());
        let output = Command::new(program("ldapsearch"))
            .args(["-x", "-LLL", "-D", ADMIN, "-w", ADMIN_PASSWORD, "-H", &url])
            .args(["-s", "base", "-b", dn, "pwdFailureTime"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().filter(|line| line.starts_with("pwdFailureTime:")).count()
    }

    /// Ends the server as a crash does.
    ///
    /// # Panics
    /// If it does not end.
    pub fn stop(&mut self) {
        let mut server = self.server.take().unwrap();
        server.kill().unwrap();
        server.wait().unwrap();
        self.forget_pid();
    }

    /// So that the watcher ends nobody who gets the number later.
    fn forget_pid(&self) {
        let _ = fs::remove_file(self.folder.join("pid"));
    }

    /// Starts it again on the same ports.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start_again(&mut self) {
        assert!(self.run(), "slapd does not start: {}", self.log());
    }

    /// Starts the program and waits until it answers; `false` if it ends before.
    fn run(&mut self) -> bool {
        let urls =
            format!("ldap://127.0.0.1:{}/ ldaps://127.0.0.1:{}/", self.port(), self.tls_port());
        let log = fs::File::create(self.folder.join("log")).unwrap();
        let mut server = Command::new(program("slapd"))
            .arg("-f")
            .arg(self.folder.join("slapd.conf"))
            .args(["-d", "none", "-h", &urls])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        loop {
            if server.try_wait().unwrap().is_some() {
                return false;
            }
            // It begins to listen on one port after the other.
            let ports = [&self.port, &self.tls_port];
            if ports.iter().all(|port| TcpStream::connect(port.address()).is_ok()) {
                self.server = Some(server);
                return true;
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

impl Drop for TestSlapd {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            let _ = server.kill();
            let _ = server.wait();
            self.forget_pid();
        }
        drop(self.open_until_dropped.take());
        let _ = self.watcher.wait();
    }
}

fn configuration(here: &str) -> String {
    format!(
        r#"include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include /etc/ldap/schema/nis.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
moduleload ppolicy
pidfile {here}/pid
TLSCertificateFile {here}/server.pem
TLSCertificateKeyFile {here}/server.key
database mdb
suffix "{BASE}"
rootdn "{ADMIN}"
rootpw {ADMIN_PASSWORD}
directory {here}/data
dbnosync
maxsize 268435456
index objectClass,uid,cn,mail,member,entryUUID eq
access to dn.subtree="ou=people,{BASE}" attrs=userPassword by self write
    by dn.exact="{WRITER}" write by anonymous auth
access to attrs=userPassword by self write by anonymous auth
access to dn.subtree="ou=people,{BASE}" by dn.exact="{WRITER}" write
    by dn.exact="{READER}" read by self read by anonymous auth
access to dn.subtree="ou=groups,{BASE}" attrs=member by dn.exact="{WRITER}" write
    by dn.exact="{READER}" read
access to * by dn.exact="{WRITER}" read by dn.exact="{READER}" read by self read
    by anonymous auth
sizelimit 500
limits dn.exact="{READER}" size.soft=unlimited size.hard=unlimited
    size.pr=500 size.prtotal=unlimited
limits dn.exact="{WRITER}" size.soft=unlimited size.hard=unlimited
    size.pr=500 size.prtotal=unlimited
overlay memberof
overlay ppolicy
"#
    )
}

fn first_entries() -> String {
    let unit = |name: &str| {
        format!("dn: ou={name},{BASE}\nobjectClass: organizationalUnit\nou: {name}\n\n")
    };
    let account = |name: &str, dn: &str, password: &str| {
        format!(
            "dn: {dn}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\n\
             cn: {name}\nuserPassword: {password}\n\n"
        )
    };
    format!(
        "dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\no: Example\ndc: example\n\n\
         dn: {POLICY}\nobjectClass: device\nobjectClass: pwdPolicy\ncn: policy\n\
         pwdAttribute: userPassword\npwdMustChange: TRUE\n\
         pwdMaxRecordedFailure: 10\n\n{}{}{}{}",
        account("reader", READER, READER_PASSWORD),
        account("writer", WRITER, WRITER_PASSWORD),
        unit("people"),
        unit("groups")
    )
}

/// Makes an authority, and a certificate for 127.0.0.1 and localhost. Returns the authority (DER).
fn certificates(folder: &Path) -> Vec<u8> {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&key).unwrap();
    let issuer = Issuer::new(params, key);
    let server_key = KeyPair::generate().unwrap();
    let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
    let server = CertificateParams::new(names).unwrap().signed_by(&server_key, &issuer).unwrap();
    fs::write(folder.join("authority.pem"), authority.pem()).unwrap();
    fs::write(folder.join("server.pem"), server.pem()).unwrap();
    fs::write(folder.join("server.key"), server_key.serialize_pem()).unwrap();
    authority.der().to_vec()
}

/// A program of OpenLDAP. Debian has some where users do not look.
fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
    let found = folders.map(|folder| folder.join(name)).find(|path| path.exists());
    found.unwrap_or_else(|| {
        panic!("{name} is missing: install OpenLDAP (Debian: apt-get install slapd ldap-utils)")
    })
}

fn succeed(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
