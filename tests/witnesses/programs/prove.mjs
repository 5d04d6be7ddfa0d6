// A DPoP proof (RFC 9449) by the library `dpop`, with the key that is given or a new one.
import { generateKeyPair, generateProof } from 'dpop';
import { answer, request } from './pipe.mjs';

const { jwk, url, method, token, nonce } = request;
const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
const { d, ...open } = jwk ?? {};
const read = (key, use) => crypto.subtle.importKey('jwk', { ...key, key_ops: [use] }, algorithm, true, [use]);
const pair = jwk
  ? { privateKey: await read(jwk, 'sign'), publicKey: await read(open, 'verify') }
  : await generateKeyPair('ES256', { extractable: true });
answer({
  proof: await generateProof(pair, url, method, nonce ?? undefined, token ?? undefined),
  jwk: jwk ?? await crypto.subtle.exportKey('jwk', pair.privateKey),
});
