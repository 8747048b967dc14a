//! OpenMLS with its RustCrypto provider and memory storage, as its own large-group example uses them.

use std::collections::HashMap;

use openmls::prelude::tls_codec::Deserialize;
use openmls::prelude::*;
use openmls_basic_credential::SignatureKeyPair;
use openmls_rust_crypto::OpenMlsRustCrypto;

use crate::{Change, Committed, Outcome, Peer};

struct Actor {
    provider: OpenMlsRustCrypto,
    signer: SignatureKeyPair,
    credential: CredentialWithKey,
    /// The storage before any group.
    unused: HashMap<Vec<u8>, Vec<u8>>,
    group: Option<MlsGroup>,
}

pub struct OpenMls {
    suite: Ciphersuite,
    actors: HashMap<usize, Actor>,
}

impl OpenMls {
    pub fn new(suite: u16) -> Outcome<Self> {
        Ok(Self { suite: Ciphersuite::try_from(suite)?, actors: HashMap::new() })
    }

    fn actor(&mut self, who: usize) -> Outcome<&mut Actor> {
        if !self.actors.contains_key(&who) {
            let signer = SignatureKeyPair::new(self.suite.signature_algorithm())?;
            let credential = CredentialWithKey {
                credential: BasicCredential::new(format!("openmls actor {who}").into()).into(),
                signature_key: signer.to_public_vec().into(),
            };
            let provider = OpenMlsRustCrypto::default();
            self.actors.insert(who, Actor { provider, signer, credential, unused: HashMap::new(), group: None });
        }
        Ok(self.actors.get_mut(&who).expect("inserted above"))
    }

    fn config(&self) -> MlsGroupCreateConfig {
        MlsGroupCreateConfig::builder()
            .ciphersuite(self.suite)
            .wire_format_policy(PURE_CIPHERTEXT_WIRE_FORMAT_POLICY)
            .use_ratchet_tree_extension(true)
            .build()
    }
}

fn key_package_of(provider: &OpenMlsRustCrypto, bytes: &[u8]) -> Outcome<KeyPackage> {
    match MlsMessageIn::tls_deserialize_exact(bytes)?.extract() {
        MlsMessageBodyIn::KeyPackage(it) => Ok(it.validate(provider.crypto(), ProtocolVersion::Mls10)?),
        _ => Err("not a KeyPackage".into()),
    }
}

impl Actor {
    fn parts(&mut self) -> Outcome<(&OpenMlsRustCrypto, &SignatureKeyPair, &mut MlsGroup)> {
        Ok((&self.provider, &self.signer, self.group.as_mut().ok_or("no group")?))
    }

    fn process(&mut self, bytes: &[u8]) -> Outcome<ProcessedMessageContent> {
        let (provider, _, group) = self.parts()?;
        let message = MlsMessageIn::tls_deserialize_exact(bytes)?.try_into_protocol_message()?;
        Ok(group.process_message(provider, message)?.into_content())
    }
}

impl Peer for OpenMls {
    fn key_package(&mut self, who: usize) -> Outcome<Vec<u8>> {
        let suite = self.suite;
        let actor = self.actor(who)?;
        let credential = actor.credential.clone();
        actor.group = None;
        actor.provider.storage().values.write().unwrap().clear();
        let bundle = KeyPackage::builder().build(suite, &actor.provider, &actor.signer, credential)?;
        actor.unused = actor.provider.storage().values.read().unwrap().clone();
        Ok(MlsMessageOut::from(bundle.key_package().clone()).to_bytes()?)
    }

    fn forget(&mut self, who: usize) {
        if let Some(actor) = self.actors.get_mut(&who) {
            actor.group = None;
            *actor.provider.storage().values.write().unwrap() = actor.unused.clone();
        }
    }

    fn create(&mut self, who: usize, adds: &[&[u8]]) -> Outcome<Committed> {
        let config = self.config();
        let actor = self.actor(who)?;
        let Actor { provider, signer, credential, .. } = actor;
        let mut group = MlsGroup::new(provider, signer, &config, credential.clone())?;
        let adds = adds.iter().map(|bytes| key_package_of(provider, bytes)).collect::<Outcome<Vec<_>>>()?;
        let (commit, welcome, _) = group.add_members_without_update(provider, signer, &adds)?;
        group.merge_pending_commit(provider)?;
        actor.group = Some(group);
        Ok(Committed { commit: commit.to_bytes()?, welcome: Some(welcome.to_bytes()?) })
    }

    fn join(&mut self, who: usize, welcome: &[u8]) -> Outcome<()> {
        let config = self.config();
        let actor = self.actor(who)?;
        let MlsMessageBodyIn::Welcome(welcome) = MlsMessageIn::tls_deserialize_exact(welcome)?.extract() else {
            return Err("not a Welcome".into());
        };
        let staged = StagedWelcome::new_from_welcome(&actor.provider, config.join_config(), welcome, None)?;
        actor.group = Some(staged.into_group(&actor.provider)?);
        Ok(())
    }

    fn commit(&mut self, who: usize, change: Change) -> Outcome<Committed> {
        let (provider, signer, group) = self.actor(who)?.parts()?;
        let builder = group.commit_builder().consume_proposal_store(false);
        let builder = match change {
            Change::Update => builder.force_self_update(true),
            Change::Add(bytes) => builder.propose_adds([key_package_of(provider, &bytes)?]),
            Change::Remove(leaves) => builder.propose_removals(leaves.into_iter().map(LeafNodeIndex::new)),
        };
        let bundle = builder
            .load_psks(provider.storage())?
            .build(provider.rand(), provider.crypto(), signer, |_| true)?
            .stage_commit(provider)?;
        let (commit, welcome, _) = bundle.into_messages();
        Ok(Committed { commit: commit.to_bytes()?, welcome: welcome.map(|it| it.to_bytes()).transpose()? })
    }

    fn prepare(&mut self, _who: usize) -> Outcome<()> {
        Ok(())
    }

    fn process(&mut self, who: usize, commit: &[u8]) -> Outcome<()> {
        match self.actor(who)?.process(commit)? {
            ProcessedMessageContent::StagedCommitMessage(_) => Ok(()),
            _ => Err("not a commit".into()),
        }
    }

    fn settle(&mut self, who: usize) -> Outcome<()> {
        let (provider, _, group) = self.actor(who)?.parts()?;
        Ok(group.clear_pending_commit(provider.storage())?)
    }

    fn send(&mut self, who: usize, data: &[u8]) -> Outcome<Vec<u8>> {
        let (provider, signer, group) = self.actor(who)?.parts()?;
        Ok(group.create_message(provider, signer, data)?.to_bytes()?)
    }

    fn receive(&mut self, who: usize, message: &[u8]) -> Outcome<Vec<u8>> {
        match self.actor(who)?.process(message)? {
            ProcessedMessageContent::ApplicationMessage(it) => Ok(it.into_bytes()),
            _ => Err("not an application message".into()),
        }
    }
}
