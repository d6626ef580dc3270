# openapi-to-jsonschema.py SWAGGER.json OUT_DIR VERSION - writes strict JSON Schemas for kubeconform into OUT_DIR, one a kind.
# Licence: as this repository. Its input is Kubernetes' own description (api/openapi-spec/swagger.json in the module
# k8s.io/kubernetes, Apache-2.0); its output stays in the cache.
import json, os, sys

source, out, version = sys.argv[1:4]
definitions = json.load(open(source))['definitions']
directory = os.path.join(out, f'v{version}-standalone-strict')
os.makedirs(directory, exist_ok=True)
SPECIAL = {
    'io.k8s.apimachinery.pkg.util.intstr.IntOrString': [{'type': 'string'}, {'type': 'integer'}],
    'io.k8s.apimachinery.pkg.api.resource.Quantity': [{'type': 'string'}, {'type': 'number'}],
}


def convert(schema, optional=False, stack=()):
    if '$ref' in schema:
        name = schema['$ref'].split('/')[-1]
        if name in SPECIAL:
            return {'oneOf': SPECIAL[name] + ([{'type': 'null'}] if optional else [])}
        if name in stack:
            return {}  # refers to itself (JSONSchemaProps): anything
        return convert(definitions[name], optional, stack + (name,))
    result = {}
    for key, value in schema.items():
        if key == 'properties':
            required = schema.get('required', [])
            result[key] = {name: convert(v, name not in required, stack) for name, v in value.items()}
        elif key == 'items':
            result[key] = convert(value, False, stack)
        elif key == 'additionalProperties' and isinstance(value, dict):
            result[key] = convert(value, True, stack)
        elif key.startswith('x-kubernetes-preserve'):
            result['additionalProperties'] = True
        elif key.startswith('x-kubernetes') or (key == 'format' and value != 'date-time'):
            pass
        else:
            result[key] = value
    if 'properties' in result and 'additionalProperties' not in result:
        result['additionalProperties'] = False
    if optional and isinstance(result.get('type'), str):
        result['type'] = [result['type'], 'null']
    return result


count = 0
for name, definition in definitions.items():
    kinds = definition.get('x-kubernetes-group-version-kind', [])
    for kind in kinds:
        if len(kinds) > 1 and kind['kind'] != 'List':
            continue
        schema = convert(definition, False, (name,))
        properties = schema.get('properties', {})
        if 'kind' in properties:
            properties['kind'] = {'type': 'string', 'enum': [kind['kind']]}
        if 'apiVersion' in properties:
            api_version = '/'.join(x for x in (kind['group'], kind['version']) if x)
            properties['apiVersion'] = {'type': 'string', 'enum': [api_version]}
        schema['$schema'] = 'http://json-schema.org/schema#'
        group = '-' + kind['group'].split('.')[0] if kind['group'] else ''
        file = f"{kind['kind'].lower()}{group}-{kind['version']}.json"
        json.dump(schema, open(os.path.join(directory, file), 'w'))
        count += 1
print(count, 'schemas')
