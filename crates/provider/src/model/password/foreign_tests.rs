#![allow(clippy::unwrap_used)]
//! Every hash here is of "correct horse", made by Python's hashlib and bcrypt.
use super::*;

const BCRYPT: &str = "$2b$04$TBmc8SP7vRflIlpLRX.8NukFrs2E23Fuod1ppkvsPLNXsT1Ly/CH.";
const HASHES: [&str; 7] = [
    BCRYPT,
    "bcrypt$$2b$04$TBmc8SP7vRflIlpLRX.8NukFrs2E23Fuod1ppkvsPLNXsT1Ly/CH.",
    "pbkdf2_sha256$20000$saltsalt1234$+u7VLJDX2N24yrZumUdqa6saC7cF1ykTBfEtgQcU0bs=",
    "AAABAgMEBQYHCAkKCwwNDg+d2FbDdriytxO2vgdAVMuIpGVW4BGF6o0NJn8znGUhaQ==",
    "AQAAAAIAACcQAAAAEAABAgMEBQYHCAkKCwwNDg8QISIXesfGJA2fd4iEPf+tC7smA1S4c2QTBevrsewdcA==",
    "$scrypt$v=1$ln=10,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$\
     nfkj3u1fRTHCea+fVr03sWV770kp5wLOLoEakziKhqE",
    "$pbkdf2-sha512$v=1$i=2100,l=64$AAECAwQFBgcICQoLDA0ODw$\
     dOLJrwYjCU20UKtZvvlqvvshTqXBUam+rupbD6P3jxocmxxzfEGnsJD3HMnME62fFAjUn2IBAIILuy7fCF1eEw",
];

#[test]
fn hashes_of_other_systems_verify_and_are_replaced_at_the_first_sign_in() {
    for text in HASHES {
        let hash = PasswordHash::parse_foreign(text).unwrap();
        assert!(hash.verify(&Secret::new("correct horse")), "{text}");
        assert!(!hash.verify(&Secret::new("correct horsf")), "{text}");
        assert!(hash.is_outdated(), "{text}");
        // As the store keeps it.
        assert_eq!(PasswordHash::stored(hash.as_str().to_owned()).unwrap(), hash);
        assert_eq!(PasswordHash::parse(hash.as_str()).unwrap(), hash);
    }
    let ours = PasswordHash::compute(&Secret::new("correct horse")).unwrap();
    assert_eq!(PasswordHash::parse_foreign(ours.as_str()).unwrap(), ours);
}

#[test]
fn a_decoy_is_the_same_work_and_nobodys_password() {
    for text in HASHES {
        let hash = PasswordHash::parse_foreign(text).unwrap();
        let decoy = hash.decoy();
        assert_eq!(decoy.cost(), hash.cost());
        assert_eq!(PasswordHash::parse(decoy.as_str()).as_ref(), Ok(&decoy), "{text}");
        assert!(!decoy.verify(&Secret::new("correct horse")));
    }
}

#[test]
fn hashes_that_cost_too_much_are_refused() {
    let salted = |cost: &str| format!("${cost}$AAECAwQFBgcICQoLDA0ODw${}", "A".repeat(43));
    for cost in [
        "pbkdf2-sha256$v=1$i=2000001,l=32",
        "scrypt$v=1$ln=17,r=9,p=1",
        "scrypt$v=1$ln=21,r=1,p=1",
        "scrypt$v=1$ln=4294967295,r=1,p=1",
        "scrypt$v=1$ln=10,r=8,p=9",
    ] {
        assert_eq!(PasswordHash::parse(&salted(cost)), Err(PasswordError::TooCostly), "{cost}");
    }
    assert!(PasswordHash::parse(&salted("scrypt$v=1$ln=17,r=8,p=1")).is_ok());
    let dear = BCRYPT.replace("$04$", "$15$");
    assert_eq!(PasswordHash::parse(&dear), Err(PasswordError::TooCostly));
}

#[test]
fn what_is_damaged_is_no_hash() {
    let damaged = [
        "",
        "$",
        "AAAA",
        "AQAAAAIAACcQ/////wABAgMEBQYHCAkKCwwNDg8=",
        "AQAAAAMAACcQAAAAEAABAgMEBQYHCAkKCwwNDg8QISIXesfGJA2fd4iEPf+tC7smA1S4c2QTBevrsewdcA==",
        "pbkdf2_sha256$20000$saltsalt1234",
        "pbkdf2_sha256$-1$saltsalt1234$+u7VLJDX2N24yrZumUdqa6saC7cF1ykTBfEtgQcU0bs=",
        "pbkdf2_sha256$1$saltsalt1234$YQ==",
        "md5$salt$hash",
        "$2b$04$TBmc8SP7vRflIlpLRX",
        "$2b$03$TBmc8SP7vRflIlpLRX.8NukFrs2E23Fuod1ppkvsPLNXsT1Ly/CH.",
        "$2b$04$TBmc8SP7vRflIlpLRX.8NukFrs2E23Fuod1ppkvsPLNXsT1Ly/CH.$",
        "$2b$04$TBmc8SP7vRflIlpLRX.8NukFrs2E23Fuod1ppkvsPLNXsT1Ly/CHé",
        "$pbkdf2-sha256$v=1$i=0,l=32$AAECAwQFBgcICQoLDA0ODw$AAAAAAAAAAAAAAAAAAAAAA",
        "$scrypt$v=1$ln=10,r=0,p=1$AAECAwQFBgcICQoLDA0ODw$AAAAAAAAAAAAAAAAAAAAAA",
    ];
    for text in damaged {
        assert_eq!(PasswordHash::parse_foreign(text), Err(PasswordError::NotAHash), "{text}");
    }
}

/// The example in the documentation of Firebase's scrypt.
fn firebase() -> (FirebaseHashes, Vec<u8>, Vec<u8>) {
    let bytes = |text: &str| BASE64.decode(text).unwrap();
    let parameters = FirebaseHashes {
        signer_key: bytes(
            "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==",
        ),
        salt_separator: bytes("Bw=="),
        rounds: 8,
        memory_cost: 14,
    };
    let hash = bytes(
        "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==",
    );
    (parameters, bytes("42xEC+ixf3L2lw=="), hash)
}

#[test]
fn a_hash_of_firebase_verifies_without_the_key_of_the_project() {
    let (parameters, salt, hash) = firebase();
    let kept = parameters.hash(&salt, &hash).unwrap();
    assert_eq!(kept.cost(), "$firebase-scrypt$v=1$ln=14,r=8,p=1");
    let stored = PasswordHash::stored(kept.as_str().to_owned()).unwrap();
    assert!(stored.verify(&Secret::new("user1password")));
    assert!(!stored.verify(&Secret::new("user2password")) && stored.is_outdated());
    assert_eq!(PasswordHash::parse(kept.as_str()).unwrap(), kept);
    let decoy = kept.decoy();
    assert_eq!(decoy.cost(), kept.cost());
    assert!(PasswordHash::parse(decoy.as_str()).is_ok());
    assert!(!decoy.verify(&Secret::new("user1password")));
    assert!(!format!("{parameters:?}").contains("143"));
}

#[test]
fn a_hash_of_firebase_that_is_damaged_or_too_costly_is_refused() {
    let (parameters, salt, hash) = firebase();
    assert_eq!(parameters.hash(&salt, &hash[1..]), Err(PasswordError::NotAHash));
    assert_eq!(parameters.hash(&[], &hash), Err(PasswordError::NotAHash));
    for (rounds, memory_cost) in [(8, 18), (8, 40), (u32::MAX, 14)] {
        let dear = FirebaseHashes { rounds, memory_cost, ..parameters.clone() };
        assert_eq!(dear.hash(&salt, &hash), Err(PasswordError::TooCostly));
    }
    let none = FirebaseHashes { rounds: 0, ..parameters };
    assert_eq!(none.hash(&salt, &hash), Err(PasswordError::NotAHash));
}
