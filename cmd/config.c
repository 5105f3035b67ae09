/* config.c - the configuration that an earlier run stored, for --config FILE. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

struct cli_config {
    json_t *root, *at; /* the file; its object "config", or the file itself */
    char **assignment;
    int n;
};

int cli_config_read(const char *command, const char *path, cli_config **out)
{
    *out = NULL;
    if (!path) return 0;
    json_error_t e;
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &e);
    if (!root && e.line < 1) return cli_fail(command, JD_ENOINPUT, "%s: cannot be opened", path);
    if (!json_is_object(root)) {
        json_decref(root);
        return cli_fail(command, JD_EDATA, "%s: line %d: %s; give a result.json or the config in it", path,
                        root ? 1 : e.line, root ? "is no JSON object" : e.text);
    }
    cli_config *c = calloc(1, sizeof *c);
    if (!c) {
        json_decref(root);
        return cli_fail(command, JD_ENOMEM, "out of memory");
    }
    c->root = root;
    c->at = json_is_object(json_object_get(root, "config")) ? json_object_get(root, "config") : root;
    *out = c;
    return 0;
}

void cli_config_free(cli_config *c)
{
    if (!c) return;
    for (int i = 0; i < c->n; i++) free(c->assignment[i]);
    free(c->assignment);
    json_decref(c->root);
    free(c);
}

static const char *value_text(const json_t *v, char buffer[64])
{
    if (json_is_string(v)) return json_string_value(v);
    if (json_is_integer(v))
        snprintf(buffer, 64, "%lld", (long long)json_integer_value(v));
    else if (json_is_real(v))
        snprintf(buffer, 64, "%.17g", json_real_value(v));
    else
        return NULL;
    return buffer;
}

const char *cli_config_text(const cli_config *c, const char *key, char buffer[64])
{
    return c ? value_text(json_object_get(c->at, key), buffer) : NULL;
}

int cli_config_settings(const cli_config *c, char ***assignments)
{
    *assignments = NULL;
    json_t *settings = c ? json_object_get(c->at, "settings") : NULL;
    cli_config *own = (cli_config *)(uintptr_t)c;
    if (!json_is_object(settings) || own->assignment) return 0;
    own->assignment = calloc(json_object_size(settings) + 1, sizeof *own->assignment);
    const char *key;
    json_t *v;
    json_object_foreach(settings, key, v)
    {
        char buffer[64], text[192];
        const char *value = value_text(v, buffer);
        if (!value || !own->assignment) continue;
        snprintf(text, sizeof text, "%s=%s", key, value);
        own->assignment[own->n] = strdup(text);
        if (own->assignment[own->n]) own->n++;
    }
    *assignments = own->assignment;
    return own->n;
}
