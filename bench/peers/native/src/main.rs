//! OpenMLS and mls-rs behind one line protocol, so that a driver can interleave them with other implementations.
//!
//! `mls-bench-native <openmls|mls-rs> <suite>`; one command per line of standard input, one JSON object per line of output.
//! Actors are numbers; each has its own client. Files hold encoded MLSMessages.
//!
//! - `keypackage WHO FILE`: a new KeyPackage
//! - `create WHO ADDS WELCOME`: a group with all KeyPackages of ADDS (each after its length, 4 bytes) in one commit without path
//! - `join WHO WELCOME`
//! - `commit WHO FILE update | add KEYPACKAGE | remove LEAF...`: a commit that is then discarded
//! - `process WHO FILE`: a commit, which is then discarded
//! - `send WHO LENGTH FILE`, `receive WHO FILE`

mod memory;
mod mls_rs_peer;
mod openmls_peer;

use std::error::Error;
use std::fs::{read, write};
use std::io::{BufRead, stdin};
use std::time::Instant;

/// Any failure ends the process with its text.
pub type Outcome<T> = Result<T, Box<dyn Error>>;

/// What a commit changes.
pub enum Change {
    Update,
    Add(Vec<u8>),
    Remove(Vec<u32>),
}

/// An encoded commit and its Welcome.
pub struct Committed {
    pub commit: Vec<u8>,
    pub welcome: Option<Vec<u8>>,
}

/// One implementation. What need not be measured is done by `prepare`, before `process`, and by `settle`, which discards what
/// `commit` and `process` have staged.
pub trait Peer {
    fn key_package(&mut self, who: usize) -> Outcome<Vec<u8>>;
    fn forget(&mut self, who: usize);
    fn create(&mut self, who: usize, adds: &[&[u8]]) -> Outcome<Committed>;
    fn join(&mut self, who: usize, welcome: &[u8]) -> Outcome<()>;
    fn commit(&mut self, who: usize, change: Change) -> Outcome<Committed>;
    fn prepare(&mut self, who: usize) -> Outcome<()>;
    fn process(&mut self, who: usize, commit: &[u8]) -> Outcome<()>;
    fn settle(&mut self, who: usize) -> Outcome<()>;
    fn send(&mut self, who: usize, data: &[u8]) -> Outcome<Vec<u8>>;
    fn receive(&mut self, who: usize, message: &[u8]) -> Outcome<Vec<u8>>;
}

fn split(mut rest: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    while let Some((length, tail)) = rest.split_first_chunk::<4>() {
        let (part, next) = tail.split_at(u32::from_be_bytes(*length) as usize);
        parts.push(part);
        rest = next;
    }
    parts
}

fn timed<T>(work: impl FnOnce() -> Outcome<T>) -> Outcome<(f64, T)> {
    let start = Instant::now();
    let result = work()?;
    Ok((start.elapsed().as_secs_f64() * 1000.0, result))
}

fn run(peer: &mut dyn Peer, line: &str) -> Outcome<String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let who: usize = words.get(1).ok_or("no actor")?.parse()?;
    match (words[0], &words[2..]) {
        ("keypackage", [file]) => {
            let (ms, bytes) = timed(|| peer.key_package(who))?;
            write(file, &bytes)?;
            Ok(format!("{{\"ms\":{ms},\"bytes\":{}}}", bytes.len()))
        }
        ("create", [adds, welcome_file]) => {
            let adds = read(adds)?;
            let adds = split(&adds);
            peer.forget(who);
            let before = memory::held();
            let (ms, Committed { commit, welcome }) = timed(|| peer.create(who, &adds))?;
            let welcome = welcome.ok_or("no Welcome")?;
            write(welcome_file, &welcome)?;
            let (bytes, length) = (commit.len(), welcome.len());
            drop((commit, welcome));
            let held = memory::held() - before;
            Ok(format!("{{\"ms\":{ms},\"bytes\":{bytes},\"welcome\":{length},\"held\":{held}}}"))
        }
        ("join", [welcome]) => {
            let welcome = read(welcome)?;
            peer.forget(who);
            let before = memory::held();
            let (ms, ()) = timed(|| peer.join(who, &welcome))?;
            Ok(format!("{{\"ms\":{ms},\"held\":{}}}", memory::held() - before))
        }
        ("commit", [file, kind, rest @ ..]) => {
            let change = match *kind {
                "update" => Change::Update,
                "add" => Change::Add(read(rest.first().ok_or("no KeyPackage")?)?),
                "remove" => Change::Remove(rest.iter().map(|leaf| leaf.parse()).collect::<Result<_, _>>()?),
                _ => return Err("unknown change".into()),
            };
            let (ms, Committed { commit, welcome }) = timed(|| peer.commit(who, change))?;
            peer.settle(who)?;
            write(file, &commit)?;
            let welcome = welcome.map_or(0, |bytes| bytes.len());
            Ok(format!("{{\"ms\":{ms},\"bytes\":{},\"welcome\":{welcome}}}", commit.len()))
        }
        ("process", [file]) => {
            let commit = read(file)?;
            peer.prepare(who)?;
            let (ms, ()) = timed(|| peer.process(who, &commit))?;
            peer.settle(who)?;
            Ok(format!("{{\"ms\":{ms}}}"))
        }
        ("send", [length, file]) => {
            let data = vec![7; length.parse()?];
            let (ms, message) = timed(|| peer.send(who, &data))?;
            write(file, &message)?;
            Ok(format!("{{\"ms\":{ms},\"bytes\":{}}}", message.len()))
        }
        ("receive", [file]) => {
            let message = read(file)?;
            let (ms, data) = timed(|| peer.receive(who, &message))?;
            Ok(format!("{{\"ms\":{ms},\"bytes\":{}}}", data.len()))
        }
        _ => Err("unknown command".into()),
    }
}

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let suite: u16 = arguments.get(2).ok_or("usage: mls-bench-native <openmls|mls-rs> <suite>")?.parse()?;
    let mut peer: Box<dyn Peer> = match arguments[1].as_str() {
        "openmls" => Box::new(openmls_peer::OpenMls::new(suite)?),
        "mls-rs" => Box::new(mls_rs_peer::MlsRs::new(suite)?),
        _ => return Err("unknown implementation".into()),
    };
    for line in stdin().lock().lines() {
        match run(peer.as_mut(), &line?) {
            Ok(reply) => println!("{reply}"),
            Err(error) => println!("{{\"error\":{:?}}}", error.to_string()),
        }
    }
    Ok(())
}
