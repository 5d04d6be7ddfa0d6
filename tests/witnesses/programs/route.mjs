// Apollo's router in front of the gateway and of a second subgraph, `notes`, that lives here.
import { createHash } from 'node:crypto';
import { ApolloGateway, LocalGraphQLDataSource, RemoteGraphQLDataSource } from '@apollo/gateway';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { parse } from 'graphql';
import { answer, request } from './pipe.mjs';

const { supergraph, notes, query, variables } = request;
const asked = [];
const note = ({ id }) => ({ __typename: 'Customer', id, note: `About ${id}` });
const resolvers = {
  Query: { watched: (_, { ids }) => ids.map((id) => note({ id })) },
  Customer: { __resolveReference: note },
};

function recorded(name, source) {
  const process = source.process.bind(source);
  source.process = (options) => {
    asked.push({ subgraph: name, query: options.request.query });
    return process(options);
  };
  return source;
}

function buildService({ name, url }) {
  const here = () => new LocalGraphQLDataSource(
    buildSubgraphSchema({ typeDefs: parse(notes), resolvers }),
  );
  const there = () => new RemoteGraphQLDataSource({ url, fetcher: fetch });
  return recorded(name, name === 'notes' ? here() : there());
}

const router = new ApolloGateway({ supergraphSdl: supergraph, buildService });
const { executor } = await router.load();
const { data = null, errors = [] } = await executor({
  request: { query, variables },
  document: parse(query),
  queryHash: createHash('sha256').update(query).digest('hex'),
  context: {},
});
answer({ data, errors: errors.map((error) => error.message), asked });
