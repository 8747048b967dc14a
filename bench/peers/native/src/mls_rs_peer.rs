//! mls-rs with AWS-LC and its memory storage; handshakes encrypted, no padding, as the other implementations here.

use std::collections::HashMap;

use mls_rs::client_builder::{
    BaseConfig, MlsConfig, PaddingMode, WithCryptoProvider, WithIdentityProvider, WithMlsRules,
};
use mls_rs::group::ReceivedMessage;
use mls_rs::identity::SigningIdentity;
use mls_rs::identity::basic::{BasicCredential, BasicIdentityProvider};
use mls_rs::mls_rules::{DefaultMlsRules, EncryptionOptions};
use mls_rs::{CipherSuite, CipherSuiteProvider, Client, CryptoProvider, Group, MlsMessage};
use mls_rs_crypto_awslc::AwsLcCryptoProvider;

use crate::{Change, Committed, Outcome, Peer};

type Config = WithMlsRules<
    DefaultMlsRules,
    WithIdentityProvider<BasicIdentityProvider, WithCryptoProvider<AwsLcCryptoProvider, BaseConfig>>,
>;

struct Actor<C: MlsConfig> {
    client: Client<C>,
    group: Option<Group<C>>,
    /// Commits are applied to this one, as there is no staging.
    copy: Option<Group<C>>,
}

pub struct MlsRs {
    suite: CipherSuite,
    actors: HashMap<usize, Actor<Config>>,
}

impl MlsRs {
    pub fn new(suite: u16) -> Outcome<Self> {
        Ok(Self { suite: CipherSuite::new(suite), actors: HashMap::new() })
    }

    fn actor(&mut self, who: usize) -> Outcome<&mut Actor<Config>> {
        if !self.actors.contains_key(&who) {
            let crypto = AwsLcCryptoProvider::new();
            let (secret, public) =
                crypto.cipher_suite_provider(self.suite).ok_or("unknown suite")?.signature_key_generate()?;
            let credential = BasicCredential::new(format!("mls-rs actor {who}").into_bytes()).into_credential();
            let rules =
                DefaultMlsRules::new().with_encryption_options(EncryptionOptions::new(true, PaddingMode::None));
            let client = Client::builder()
                .crypto_provider(crypto)
                .identity_provider(BasicIdentityProvider)
                .mls_rules(rules)
                .signing_identity(SigningIdentity::new(credential, public), secret, self.suite)
                .build();
            self.actors.insert(who, Actor { client, group: None, copy: None });
        }
        Ok(self.actors.get_mut(&who).expect("inserted above"))
    }

    fn group(&mut self, who: usize) -> Outcome<&mut Group<Config>> {
        Ok(self.actor(who)?.group.as_mut().ok_or("no group")?)
    }
}

impl Peer for MlsRs {
    fn key_package(&mut self, who: usize) -> Outcome<Vec<u8>> {
        let client = &self.actor(who)?.client;
        Ok(client.generate_key_package_message(Default::default(), Default::default(), None)?.to_bytes()?)
    }

    fn forget(&mut self, who: usize) {
        if let Some(actor) = self.actors.get_mut(&who) {
            actor.group = None;
        }
    }

    fn create(&mut self, who: usize, adds: &[&[u8]]) -> Outcome<Committed> {
        let actor = self.actor(who)?;
        let mut group = actor.client.create_group(Default::default(), Default::default(), None)?;
        let mut builder = group.commit_builder();
        for bytes in adds {
            builder = builder.add_member(MlsMessage::from_bytes(bytes)?)?;
        }
        let output = builder.build()?;
        group.apply_pending_commit()?;
        actor.group = Some(group);
        let welcome = output.welcome_messages.first().ok_or("no Welcome")?.to_bytes()?;
        Ok(Committed { commit: output.commit_message.to_bytes()?, welcome: Some(welcome) })
    }

    fn join(&mut self, who: usize, welcome: &[u8]) -> Outcome<()> {
        let actor = self.actor(who)?;
        let (group, _) = actor.client.join_group(None, &MlsMessage::from_bytes(welcome)?, None)?;
        actor.group = Some(group);
        Ok(())
    }

    fn commit(&mut self, who: usize, change: Change) -> Outcome<Committed> {
        let mut builder = self.group(who)?.commit_builder();
        match change {
            Change::Update => {}
            Change::Add(bytes) => builder = builder.add_member(MlsMessage::from_bytes(&bytes)?)?,
            Change::Remove(leaves) => {
                for leaf in leaves {
                    builder = builder.remove_member(leaf)?;
                }
            }
        }
        let output = builder.build()?;
        let welcome = output.welcome_messages.first().map(|it| it.to_bytes()).transpose()?;
        Ok(Committed { commit: output.commit_message.to_bytes()?, welcome })
    }

    fn prepare(&mut self, who: usize) -> Outcome<()> {
        let actor = self.actor(who)?;
        actor.copy = actor.group.clone();
        Ok(())
    }

    fn process(&mut self, who: usize, commit: &[u8]) -> Outcome<()> {
        let copy = self.actor(who)?.copy.as_mut().ok_or("no group")?;
        match copy.process_incoming_message(MlsMessage::from_bytes(commit)?)? {
            ReceivedMessage::Commit(_) => Ok(()),
            _ => Err("not a commit".into()),
        }
    }

    fn settle(&mut self, who: usize) -> Outcome<()> {
        self.actor(who)?.copy = None;
        self.group(who)?.clear_pending_commit();
        Ok(())
    }

    fn send(&mut self, who: usize, data: &[u8]) -> Outcome<Vec<u8>> {
        Ok(self.group(who)?.encrypt_application_message(data, Vec::new())?.to_bytes()?)
    }

    fn receive(&mut self, who: usize, message: &[u8]) -> Outcome<Vec<u8>> {
        match self.group(who)?.process_incoming_message(MlsMessage::from_bytes(message)?)? {
            ReceivedMessage::ApplicationMessage(it) => Ok(it.data().to_vec()),
            _ => Err("not an application message".into()),
        }
    }
}
