// Subgraphs composed by one of two independent implementations of Apollo Federation.
import * as apollo from '@apollo/composition';
import * as guild from '@theguild/federation-composition';
import { parse } from 'graphql';
import { answer, request } from './pipe.mjs';

const { composer, subgraphs } = request;
const { composeServices } = { apollo, guild }[composer];
const services = subgraphs.map(({ name, url, sdl }) => ({ name, url, typeDefs: parse(sdl) }));
const { errors = [], hints = [], supergraphSdl = null } = composeServices(services);
answer({
  errors: errors.map((error) => error.message),
  hints: hints.map((hint) => hint.message),
  supergraph: supergraphSdl,
});
