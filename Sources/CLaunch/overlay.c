// SPDX-License-Identifier: Apache-2.0
// A layer over the workspace that takes what the agent writes.

#include "launch.h"

// `/proc/self/fd/N` without stdio, ended by NUL; at most 25 bytes. Returns where the NUL is.
static char *write_descriptor_path(char *text, int descriptor) {
    static const char prefix[] = "/proc/self/fd/";
    memcpy(text, prefix, sizeof prefix - 1);
    char *first = text + sizeof prefix - 1;
    char *next = first;
    do {
        *next++ = (char)('0' + descriptor % 10);
        descriptor /= 10;
    } while (descriptor > 0);
    *next = 0;
    for (char *last = next - 1; first < last; first++, last--) {
        char digit = *first;
        *first = *last;
        *last = digit;
    }
    return next;
}

// An overlay takes no mount that is not attached in the caller's own namespace (before Linux 6.15), so that both trees are
// attached for as long as it takes. Layers are named by descriptors: no path is parsed, none shows in mountinfo.
int launch_overlay(const struct launch_plan *plan, const struct launch_step *step, int *slot, int root) {
    static const char *const points[2] = {".layers", ".below"};
    int trees[2] = {-1, -1};
    int layers[3] = {-1, -1, -1}; // upper, work, and the lower one on top of the tree
    int overlay = -1;
    int mount = -1;
    for (int index = 0; index < 2; index++) {
        int *tree = &plan->slots[step->others[index]];
        if (launch_attach(*tree, root, points[index]) < 0) { goto failed; }
        trees[index] = launch_open_beneath(root, points[index]);
        if (trees[index] < 0 || launch_close_slot(tree) < 0) { goto failed; }
    }
    const char *name = step->data;
    for (int index = 0; index < 3 && name < (const char *)step->data + step->length; index++) {
        layers[index] = launch_open_beneath(trees[0], name);
        if (layers[index] < 0) { goto failed; }
        name += strlen(name) + 1;
    }
    overlay = linux_fsopen("overlay");
    if (overlay < 0) { goto failed; }
    char lower[64], upper[32], work[32];
    char *next = lower;
    if (layers[2] >= 0) {
        next = write_descriptor_path(next, layers[2]);
        *next++ = ':';
    }
    write_descriptor_path(next, trees[1]);
    write_descriptor_path(upper, layers[0]);
    write_descriptor_path(work, layers[1]);
    // Attributes that the agent may write by another name: neither redirections nor metadata copies are believed.
    const char *const options[][2] = {
        {"lowerdir", lower}, {"upperdir", upper}, {"workdir", work}, {"redirect_dir", "nofollow"},
        {"metacopy", "off"}, {"index", "off"}, {"xino", "off"},
    };
    if (linux_fsconfig(overlay, FSCONFIG_SET_FLAG, "userxattr", NULL) < 0) { goto failed; }
    for (size_t index = 0; index < sizeof options / sizeof *options; index++) {
        if (linux_fsconfig(overlay, FSCONFIG_SET_STRING, options[index][0], options[index][1]) < 0) { goto failed; }
    }
    if (linux_fsconfig(overlay, FSCONFIG_CMD_CREATE, NULL, NULL) < 0) { goto failed; }
    mount = linux_fsmount(overlay, (unsigned int)step->a);
failed:;
    int result = mount < 0 ? -1 : 0;
    int saved = errno;
    for (int index = 0; index < 3; index++) { launch_close_slot(&layers[index]); }
    for (int index = 0; index < 2; index++) {
        if (trees[index] < 0) { continue; }
        if (result == 0 && (fchdir(trees[index]) < 0 || umount2(".", MNT_DETACH) < 0)) {
            saved = errno;
            result = -1;
        }
        launch_close_slot(&trees[index]);
        if (result == 0 && unlinkat(root, points[index], AT_REMOVEDIR) < 0) {
            saved = errno;
            result = -1;
        }
    }
    if (result == 0 && chdir("/") < 0) {
        saved = errno;
        result = -1;
    }
    launch_close_slot(&overlay);
    if (result < 0) { launch_close_slot(&mount); }
    errno = saved;
    return result < 0 ? -1 : launch_keep_in(slot, mount);
}
